/**
 * Set-up without the network: what counts as complete, who may build, which machines and Pythons are
 * refused and with what words. The real thing is built by the tests that need a server.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { choosePython } from "../../src/setup/choose_python.ts";
import { findSetUpTriton, MANIFEST, writeManifest } from "../../src/setup/installation.ts";
import { withLock } from "../../src/setup/lock.ts";
import { once } from "../../src/setup/once.ts";
import { relocateVenv } from "../../src/setup/pip.ts";
import { defaultDirectory, TRITON_VERSION } from "../../src/setup/places.ts";
import { assertSupported } from "../../src/setup/platform.ts";
import { findInterpreters, isComplete } from "../../src/setup/python.ts";
import { run } from "../../src/setup/run.ts";
import { setUpTriton } from "../../src/setup/setup.ts";
import { LAYOUT, stubPath, writeLauncher } from "../../src/setup/wheel.ts";

/** Runs `body` with a folder that is gone afterwards. */
async function inFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-test-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `body` with environment variables changed (`undefined`: taken away). */
async function withEnvironment(
  changes: Record<string, string | undefined>,
  body: () => void | Promise<void>,
): Promise<void> {
  const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    for (const [name, value] of Object.entries(changes)) set(name, value);
    await body();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

function writeFile(path: string, text = "", mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const PATHS = {
  library: "triton/lib/libtritonserver-1.so",
  backendDirectory: "triton/backends",
  cacheDirectory: "triton/caches",
  python: "venv/bin",
  libpythonDirectory: "libpython",
  tritonserver: "triton/bin/tritonserver",
};

/** Fills `folder` with empty files where a complete set-up has its own. */
function fakeSetUp(folder: string): void {
  for (
    const path of [PATHS.library, PATHS.tritonserver, "venv/bin/python3", "triton/backends/stub"]
  ) {
    writeFile(join(folder, path));
  }
  mkdirSync(join(folder, PATHS.cacheDirectory));
  mkdirSync(join(folder, PATHS.libpythonDirectory));
  const files = ["venv/bin/python3", "triton/backends/stub"];
  writeManifest(folder, { python: "3.11", packages: ["numpy<2"], paths: PATHS, files });
}

test("findSetUpTriton() describes a complete folder with absolute paths", async () => {
  await inFolder((folder) => {
    fakeSetUp(folder);
    assert.deepEqual(findSetUpTriton(folder), {
      directory: folder,
      ...Object.fromEntries(
        Object.entries(PATHS).map(([name, path]) => [name, join(folder, path)]),
      ),
    });
  });
});

test("findSetUpTriton() does not find a folder without a part or with another's manifest", async () => {
  for (const path of [PATHS.library, "triton/backends/stub", "venv/bin/python3", MANIFEST]) {
    await inFolder((folder) => {
      fakeSetUp(folder);
      rmSync(join(folder, path));
      assert.equal(findSetUpTriton(folder), undefined, path);
    });
  }
  const spoiled = ["{", "{}", '{"format":0}', `{"format":1,"triton":"${TRITON_VERSION}"}`];
  for (const text of spoiled) {
    await inFolder((folder) => {
      fakeSetUp(folder);
      writeFileSync(join(folder, MANIFEST), text);
      assert.equal(findSetUpTriton(folder), undefined, text);
    });
  }
  assert.equal(findSetUpTriton("/nowhere/at/all"), undefined);
});

test("setUpTriton() uses a complete folder as it is", async () => {
  await inFolder(async (folder) => {
    fakeSetUp(folder);
    const lines: string[] = [];
    const options = { directory: folder, packages: ["numpy<2"], progress: lines.push.bind(lines) };
    assert.equal((await setUpTriton(options)).directory, folder);
    assert.deepEqual(lines, []);
  });
});

test("defaultDirectory() follows TRITON_TS_HOME, then XDG_CACHE_HOME", async () => {
  await withEnvironment({ TRITON_TS_HOME: "/a", XDG_CACHE_HOME: "/b" }, () => {
    assert.equal(defaultDirectory(), "/a");
  });
  await withEnvironment({ TRITON_TS_HOME: undefined, XDG_CACHE_HOME: "/b" }, () => {
    assert.equal(defaultDirectory(), `/b/triton-ts/${TRITON_VERSION}`);
  });
});

test("once() makes a folder one time, however many ask", async () => {
  await inFolder(async (parent) => {
    const directory = join(parent, "made");
    let times = 0;
    const target = {
      directory,
      mark: "mark",
      find: () => existsSync(join(directory, "mark")) ? directory : undefined,
      make: async (staging: string) => {
        times++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        writeFileSync(join(staging, "mark"), "");
      },
    };
    const lines: string[] = [];
    const progress = (line: string) => void lines.push(line);
    await Promise.all([once(target, { progress }), once(target, { progress })]);
    assert.equal(times, 1);
    assert.deepEqual(lines, [`Waiting for process ${process.pid}, which is making ${directory}`]);
    await once(target, { fresh: true });
    assert.equal(times, 2);
    assert.deepEqual(readdirSync(parent), ["made"]);
  });
});

test("once() leaves nothing behind when it fails, and removes what a dead process left", async () => {
  await inFolder(async (parent) => {
    const directory = join(parent, "made");
    writeFile(join(parent, "made.staging-1", "half"));
    const make = () => Promise.reject(new Error("no luck"));
    const target = { directory, mark: "mark", find: () => undefined, make };
    await assert.rejects(once(target, {}), /no luck/);
    assert.deepEqual(readdirSync(parent), []);
  });
});

test("once() replaces only folders of its own", async () => {
  await inFolder(async (directory) => {
    writeFile(join(directory, "thesis.txt"));
    const make = () => assert.fail("nothing must be made");
    const target = { directory, mark: "mark", find: () => undefined, make };
    await assert.rejects(once(target, {}), /holds files but no mark/);
    assert.deepEqual(readdirSync(directory), ["thesis.txt"]);
  });
});

test("withLock() takes over the lock of a process that has died", async () => {
  const dead = [
    JSON.stringify({ pid: 4194305, start: "1" }), // beyond the highest process id
    JSON.stringify({ pid: process.pid, start: "1" }), // our id, given to us after its death
    "", // whoever made this had no time to write
  ];
  for (const content of dead) {
    await inFolder(async (folder) => {
      const path = join(folder, "lock");
      writeFileSync(path, content);
      assert.equal(await withLock(path, {}, () => Promise.resolve("done")), "done");
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

test("withLock() waits for a living holder until the signal ends the wait", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "lock");
    const stop = new AbortController();
    await withLock(path, {}, async () => {
      const holders: number[] = [];
      const waiting = (pid: number) => void (holders.push(pid), stop.abort());
      const second = withLock(path, { waiting, signal: stop.signal }, () => assert.fail("not yet"));
      await assert.rejects(second, { name: "AbortError" });
      assert.deepEqual(holders, [process.pid]);
      assert.ok(existsSync(path), "the lock is still held");
    });
    assert.ok(!existsSync(path));
  });
});

test("assertSupported() says what is wrong with a machine and what to do", () => {
  const linux = { os: "linux", arch: "x64", glibc: "2.35" };
  assertSupported(linux);
  assertSupported({ ...linux, glibc: "3.0" });
  const refused = [
    [{ ...linux, os: "darwin" }, /on 'darwin': Triton runs on Linux only/],
    [{ ...linux, arch: "arm64" }, /x86_64 only\. .*TRITON_SERVER_LIBRARY/],
    [{ ...linux, glibc: undefined }, /needs the GNU C library .*musl/],
    [{ ...linux, glibc: "2.31" }, /glibc 2\.31: it needs 2\.35 or newer .*Debian 12/],
  ] as const;
  for (const [platform, message] of refused) {
    assert.throws(() => assertSupported(platform), { message });
  }
});

test("choosePython() without any Python names the versions and the packages", async () => {
  await inFolder(async (folder) => {
    await withEnvironment({ PATH: folder }, async () => {
      await assert.rejects(choosePython(folder), (error: Error) => {
        assert.match(
          error.message,
          /needs a Python 3\.8 to 3\.12 with venv, pip and a shared library/,
        );
        assert.match(error.message, /no python3 of version 3\.8 to 3\.12 is on the PATH/);
        assert.match(error.message, /apt-get install python3 python3-venv/);
        return true;
      });
    });
  });
});

/** Puts a program at `path` that answers set-up's questions as an interpreter would. */
function fakePython(path: string, answer: Record<string, unknown>): void {
  const usual = { implementation: "cpython", version: "3.11", program: path, venv: true };
  const parts = {
    prefix: dirname(path),
    libraries: [dirname(path)],
    pip: "/pip.whl",
    distutils: true,
  };
  const text = JSON.stringify({ ...usual, ...parts, ...answer });
  writeFile(path, `#!/bin/sh\necho '${text}'\n`, 0o755);
}

test("findInterpreters() goes on until one is complete, and passes by what Triton cannot use", async () => {
  await inFolder(async (folder) => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(folder, name)) as [string, string, string];
    fakePython(join(a, "python3"), { version: "3.13" });
    fakePython(join(a, "python3.12"), { version: "3.12", implementation: "pypy" });
    fakePython(join(b, "python3"), {}); // has no library in its folder
    fakePython(join(c, "python3.10"), { version: "3.10" });
    writeFile(join(c, "libpython3.10.so.1.0"));
    fakePython(join(c, "python3.9"), { version: "3.9" });
    const found = await findInterpreters({ path: [a, b, c].join(":") });
    assert.deepEqual(found.map(({ program }) => program), [
      join(b, "python3"),
      join(c, "python3.10"),
    ]);
    assert.deepEqual(found.map(isComplete), [false, true]);
  });
});

test("relocateVenv() makes a venv right for another place", async () => {
  await inFolder((folder) => {
    const venv = join(folder, "venv");
    writeFile(join(venv, "pyvenv.cfg"), `home = ${folder}/python/bin\n`);
    writeFile(join(venv, "bin/tool"), `#!${venv}/bin/python3\n`, 0o755);
    symlinkSync(`${folder}/python/bin/python3`, join(venv, "bin/python3"));
    symlinkSync("/usr/bin/python3", join(venv, "bin/other"));
    relocateVenv(venv, folder, "/place");
    assert.equal(readFileSync(join(venv, "pyvenv.cfg"), "utf8"), "home = /place/python/bin\n");
    assert.equal(readFileSync(join(venv, "bin/tool"), "utf8"), "#!/place/venv/bin/python3\n");
    assert.equal(readlinkSync(join(venv, "bin/python3")), "../../python/bin/python3");
    assert.equal(readlinkSync(join(venv, "bin/other")), "/usr/bin/python3");
  });
});

test("writeLauncher() starts the stub with its Python in any environment, also through a link", async () => {
  await inFolder(async (folder) => {
    const home = join(folder, "a home");
    const stub = '#!/bin/sh\necho "$PATH|$LD_LIBRARY_PATH|$*"\n';
    writeFile(join(home, stubPath("3.11")), stub, 0o755);
    mkdirSync(join(home, dirname(LAYOUT.launcher)), { recursive: true });
    writeLauncher(home, "3.11");
    symlinkSync(join(home, dirname(LAYOUT.launcher)), join(folder, "python"));
    const launcher = join(folder, "python", "triton_python_backend_stub");
    const started = async (environment: Record<string, string | undefined>) =>
      (await run([launcher, "model.py", "1"], { environment })).stdout;
    assert.equal(
      await started({ PATH: "/usr/bin:/bin", LD_LIBRARY_PATH: undefined }),
      `${home}/venv/bin:/usr/bin:/bin|${home}/libpython|model.py 1\n`,
    );
    assert.equal(
      await started({ PATH: "/usr/bin:/bin", LD_LIBRARY_PATH: "/other" }),
      `${home}/venv/bin:/usr/bin:/bin|${home}/libpython:/other|model.py 1\n`,
    );
    const bare = await started({ PATH: "/nowhere", LD_LIBRARY_PATH: undefined });
    assert.equal(bare, `${home}/venv/bin:/nowhere|${home}/libpython|model.py 1\n`);
    const own = { PATH: "/tmp/python_env_x/bin:/usr/bin:/bin", LD_LIBRARY_PATH: "/env/lib" };
    assert.equal(await started(own), `${own.PATH}|/env/lib:${home}/libpython|model.py 1\n`);
  });
});

test("run() reports output, failure and absence, and stops with its signal", async () => {
  const lines: string[] = [];
  const script = "echo one; echo two; echo wrong >&2; exit 3";
  const result = await run(["sh", "-c", script], { line: (text) => void lines.push(text) });
  assert.deepEqual(result, { code: 3, stdout: "one\ntwo\n", stderr: "wrong\n" });
  assert.deepEqual(lines, ["one", "two"]);
  assert.equal((await run(["no-such-program-here"])).code, -1);
  const stop = new AbortController();
  const sleeping = run(["sleep", "60"], { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
});
