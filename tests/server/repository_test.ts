/** Repositories, libraries and models that are not there or broken, and those that come and go. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { Server, type ServerOptions, TritonError } from "../../mod.ts";
import { ECHO_MODELS } from "../support/echo_backend.ts";
import { echoInProcess } from "../support/echo_clients.ts";
import { assertNothingAlive, echoOptions, startEcho, startGolden } from "../support/real_server.ts";
import { isError } from "../support/triton_error.ts";

const STOPPED = { status: "UNAVAILABLE", message: "Server not ready" };

const scratch = mkdtempSync(join(tmpdir(), "triton-ts-repository-"));

/** An empty folder. */
function emptyFolder(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  return folder;
}

/** Without `setUp` a wrong option can never lead to a download. */
let options: ServerOptions;

before(async () => {
  options = { ...await echoOptions(), setUp: false };
});

test("a repository that is not there makes the start fail, not the next one", async () => {
  const cases: [string | string[], string, RegExp][] = [
    ["/nonexistent-repository", "INTERNAL", /failed to stat file \/nonexistent-repository/],
    [[], "INVALID_ARG", /--model-repository must be specified/],
  ];
  for (const [modelRepository, code, text] of cases) {
    const server = new Server({ ...options, modelRepository });
    await assert.rejects(server.start(), isError(code, text));
    assert.equal(server.running, false);
    await server[Symbol.asyncDispose]();
    assert.deepEqual(await echoInProcess(server, 1), STOPPED);
  }
  await using server = await Server.start(options);
  assert.equal(await echoInProcess(server, 3), 3);
});

test("a library that is not there, or is none, is named in the error", async () => {
  const folder = emptyFolder("library");
  const text = join(folder, "libtritonserver.so");
  writeFileSync(text, "no library");
  for (const library of ["/nonexistent/libtritonserver.so", folder, text]) {
    await assert.rejects(Server.start({ ...options, library }), (error) => {
      assert.ok(error instanceof TritonError);
      assert.ok(error.message.includes(library), error.message);
      return true;
    });
  }
  const backendDirectory = "/nonexistent/backends";
  const missing = isError("NOT_FOUND", /'backendDirectory'.*'\/nonexistent\/backends'/);
  await assert.rejects(Server.start({ ...options, backendDirectory }), missing);
});

test("a broken model makes the start fail, unless exitOnError is false", async () => {
  const models = ["broken", "identity_fp32"];
  const reason = /load failed for model 'broken'[^]*RuntimeError: cannot start/;
  await assert.rejects(startGolden(models), isError("INVALID_ARG", reason));
  await using server = await startGolden(models, { exitOnError: false });
  assert.equal(server.isLive(), true);
  assert.equal(server.isReady(), false);
  assert.equal(server.model("broken").ready(), false);
  const response = await server.model("identity_fp32").infer({
    inputs: { INPUT0: new Float32Array([4]) },
  });
  assert.deepEqual(response.output("OUTPUT0").toArray(), [4]);
  const index = await server.models();
  assert.match(index.find(({ name }) => name === "broken")?.reason ?? "", /cannot start/);
});

test("a server that failed with exitOnError false is not live, and refuses politely", async () => {
  const modelRepository = "/nonexistent-repository";
  await using server = await Server.start({
    ...options,
    modelRepository,
    exitOnError: false,
    modelControlMode: "explicit",
  });
  assert.equal(server.isLive(), false);
  assert.equal(server.isReady(), false);
  const refused = isError("UNAVAILABLE", "Server not ready");
  await assert.rejects(server.models(), refused);
  await assert.rejects(server.model("echo").load(), refused);
  await assert.rejects(server.registerModelRepository("/tmp"), refused);
  await assert.rejects(server.unregisterModelRepository("/tmp"), refused);
  assert.deepEqual(await echoInProcess(server, 1), STOPPED);
});

test("repositories come and go while a server runs", async () => {
  const modelRepository = emptyFolder("registered");
  await using server = await Server.start({
    ...options,
    modelRepository,
    modelControlMode: "explicit",
  });
  const model = server.model("echo");
  await assert.rejects(model.load(), isError("INTERNAL", /failed to load 'echo'/));
  for (const name of ["", " \t", "..", " .. ", "../echo", "a/b"]) {
    await assert.rejects(
      server.model(name).load(),
      isError("INVALID_ARG", /^(Model name cannot be empty|invalid model name .* path traversal)/),
    );
  }
  await server.registerModelRepository(ECHO_MODELS);
  await assert.rejects(
    server.registerModelRepository(ECHO_MODELS),
    isError("ALREADY_EXISTS", /has already been registered/),
  );
  await assert.rejects(
    server.registerModelRepository("/nonexistent"),
    isError("INVALID_ARG", "failed to register '/nonexistent', repository not found"),
  );
  await model.load();
  assert.equal(await echoInProcess(server, 5), 5);
  await server.unregisterModelRepository(ECHO_MODELS);
  assert.equal(await echoInProcess(server, 6), 6);
  await assert.rejects(server.pollModelRepository(), isError("UNAVAILABLE", "polling is disabled"));
  await model.unload();
});

test("files whose paths the system cannot take are refused, and the server lives on", async () => {
  await using server = await startEcho({ modelControlMode: "explicit", startupModels: ["echo"] });
  for (const path of ["A".repeat(256), `1/${"\u00e9".repeat(128)}`, `${"a/".repeat(2500)}b`]) {
    await assert.rejects(
      server.loadModel("echo", new Map([["config", "{}"], [`file:${path}`, "x"]])),
      isError("INTERNAL", "failed to load 'echo', failed to poll from model repository"),
    );
  }
  assert.equal(await echoInProcess(server, 8), 8);
});

test("a polling server takes over new models when it is asked to", async () => {
  const modelRepository = emptyFolder("polled");
  await using server = await Server.start({
    ...options,
    modelRepository,
    modelControlMode: "poll",
  });
  cpSync(join(ECHO_MODELS, "echo"), join(modelRepository, "echo"), { recursive: true });
  assert.equal(server.model("echo").ready(), false);
  await server.pollModelRepository();
  assert.equal(await echoInProcess(server, 7), 7);
  for (const name of ["echo", "../echo"]) {
    await assert.rejects(
      server.model(name).load(),
      isError("UNAVAILABLE", "explicit model load / unload is not allowed if polling is enabled"),
    );
  }
});

test("nothing is left alive after all of that", async () => {
  const server = await startEcho();
  await assertNothingAlive(server);
  await server.stop();
  rmSync(scratch, { recursive: true });
});
