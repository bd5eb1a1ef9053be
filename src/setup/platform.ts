/**
 * Whether this machine can run the Triton that set-up fetches.
 *
 * @module
 */

import process from "node:process";
import { run } from "./run.ts";

/** What decides whether the wheel's binaries run here. */
export interface Platform {
  /** As `process.platform`. */
  os: string;
  /** As `process.arch`. */
  arch: string;
  /** Version of the GNU C library, such as `"2.36"`; undefined where there is none (musl). */
  glibc: string | undefined;
}

/** The C library that the wheel was built against (manylinux_2_35). */
const OLDEST_GLIBC = [2, 35] as const;

/** What to do on a machine for which there is no wheel. */
const ELSEWHERE =
  "Point the environment variable TRITON_SERVER_LIBRARY, or the option 'library', " +
  "to the libtritonserver.so of an existing Triton (in NVIDIA's containers: " +
  "/opt/tritonserver/lib/libtritonserver.so).";

/** Asks this machine. */
export async function currentPlatform(signal?: AbortSignal): Promise<Platform> {
  const { platform: os, arch } = process;
  return { os, arch, glibc: os === "linux" ? await glibcVersion(signal) : undefined };
}

/** Throws an error that names what is wrong and what to do, if `platform` cannot run the wheel. */
export function assertSupported(platform: Platform): void {
  const { os, arch, glibc } = platform;
  if (os !== "linux") {
    throw new Error(`Cannot set up Triton on '${os}': Triton runs on Linux only.`);
  }
  if (arch !== "x64") {
    throw new Error(
      `Cannot set up Triton on Linux '${arch}': the package has binaries for x86_64 only. ${ELSEWHERE}`,
    );
  }
  if (glibc === undefined) {
    throw new Error(
      "Cannot set up Triton here: it needs the GNU C library (glibc), and neither 'getconf " +
        `GNU_LIBC_VERSION' nor 'ldd --version' names one (Alpine has musl instead). ${ELSEWHERE}`,
    );
  }
  const [major = 0, minor = 0] = glibc.split(".").map(Number);
  if (major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor < OLDEST_GLIBC[1])) {
    throw new Error(
      `Cannot set up Triton with glibc ${glibc}: it needs ${OLDEST_GLIBC.join(".")} or newer ` +
        `(Debian 12, Ubuntu 22.04, or later). ${ELSEWHERE}`,
    );
  }
}

async function glibcVersion(signal?: AbortSignal): Promise<string | undefined> {
  const getconf = await run(["getconf", "GNU_LIBC_VERSION"], { signal });
  const told = /glibc (\d+\.\d+)/.exec(getconf.stdout);
  if (getconf.code === 0 && told) return told[1];
  const ldd = await run(["ldd", "--version"], { signal });
  return /(?:GLIBC|GNU libc)\D.*?(\d+\.\d+)\s*$/im.exec(ldd.stdout)?.[1];
}
