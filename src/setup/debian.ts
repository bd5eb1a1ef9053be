/**
 * Fetching packages of Debian and Ubuntu without being root: downloaded by apt, unpacked into a folder,
 * nothing installed.
 *
 * @module
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { lastLines, run } from "./run.ts";

/** A release of a distribution whose own Python Triton can use, and the C library with it. */
export interface Release {
  codename: string;
  python: string;
  /** Components of the archive that hold the packages. */
  components: string;
  /** Packages that its Python and pip need beyond Python's own and what no machine lacks. */
  others: string[];
  keyring: string;
}

const RELEASES: Record<string, Release> = {
  debian: {
    codename: "bookworm",
    python: "3.11",
    components: "main",
    others: ["libexpat1", "libffi8", "libssl3"],
    keyring: "/usr/share/keyrings/debian-archive-keyring",
  },
  ubuntu: {
    codename: "jammy",
    python: "3.10",
    components: "main universe",
    others: ["libexpat1", "libffi8", "libssl3", "python3-distutils"],
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring",
  },
};

/** The folder of libraries for this kind of machine, in /lib and /usr/lib. */
const MULTIARCH = "x86_64-linux-gnu";

/** Where packages come from and go to. */
export interface FetchOptions {
  /** Folder for apt's own files; removed afterwards. */
  work: string;
  /** Folder into which the packages are unpacked, as `usr/...`. */
  into: string;
  /** Fetch from this release instead of the machine's own. */
  release?: Release;
  signal?: AbortSignal;
}

/** The release to fall back to on this machine; undefined if it is no Debian or Ubuntu. */
export function olderRelease(): Release | undefined {
  const text = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const id = /^ID="?([^"\n]*)/m.exec(text)?.[1] ?? "";
  const like = /^ID_LIKE="?([^"\n]*)/m.exec(text)?.[1]?.split(" ") ?? [];
  return [id, ...like].map((name) => RELEASES[name]).find((release) => release !== undefined);
}

/** Whether apt can download and dpkg can unpack here. */
export async function hasApt(signal?: AbortSignal): Promise<boolean> {
  const apt = await run(["apt-get", "--version"], { signal });
  const dpkg = await run(["dpkg-deb", "--version"], { signal });
  return apt.code === 0 && dpkg.code === 0;
}

/**
 * Downloads `packages` and unpacks them. First with the package lists of the machine, then, if they
 * are empty or too old, with lists of our own, which needs no root.
 */
export async function fetchPackages(packages: string[], options: FetchOptions): Promise<void> {
  try {
    await fetchInto(packages, options);
  } finally {
    rmSync(options.work, { recursive: true, force: true });
  }
}

async function fetchInto(packages: string[], options: FetchOptions): Promise<void> {
  const { work, into, signal } = options;
  const archives = join(work, "archives");
  mkdirSync(archives, { recursive: true });
  const settings = await privateSettings(options);
  // A package that is installed in a newer version is downloaded only if its release is named.
  const suffix = options.release ? `/${options.release.codename}` : "";
  const names = packages.map((name) => name + suffix);
  const download = async (extra: string[]) =>
    await run(["apt-get", ...extra, "download", ...names], { directory: archives, signal });
  let result = options.release ? undefined : await download([]);
  if (result?.code !== 0) {
    const update = await run(["apt-get", ...settings, "update"], { signal });
    result = await download(settings);
    result.stderr = update.stderr + result.stderr;
  }
  const files = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  if (result.code !== 0 || files.length < packages.length) {
    const reasons = result.stderr.split("\n").filter((line) => line.startsWith("E: ")).join("\n");
    throw new Error(
      `apt-get download ${packages.join(" ")} failed:\n${lastLines(reasons || result.stderr, 4)}`,
    );
  }
  mkdirSync(into, { recursive: true });
  for (const file of files) {
    const unpacked = await run(["dpkg-deb", "-x", join(archives, file), into], { signal });
    if (unpacked.code !== 0) {
      throw new Error(`dpkg-deb -x ${file} failed:\n${lastLines(unpacked.stderr, 3)}`);
    }
  }
  mergeLibraries(into);
}

/** Some packages still put libraries into /lib, which systems of today have merged with /usr/lib. */
function mergeLibraries(into: string): void {
  const old = join(into, "lib", MULTIARCH);
  if (!existsSync(old)) return;
  mkdirSync(join(into, "usr/lib", MULTIARCH), { recursive: true });
  for (const name of readdirSync(old)) {
    renameSync(join(old, name), join(into, "usr/lib", MULTIARCH, name));
  }
}

/** Options that keep apt's lists and cache in the work folder, and name its sources if need be. */
async function privateSettings({ work, release, signal }: FetchOptions): Promise<string[]> {
  const lists = join(work, "lists");
  const cache = join(work, "cache");
  mkdirSync(join(lists, "partial"), { recursive: true });
  mkdirSync(join(cache, "archives", "partial"), { recursive: true });
  const settings = [
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    "APT::Sandbox::User=", // the user _apt may not write where we may
    "Acquire::Languages=none",
  ];
  if (release) {
    const sources = join(work, "sources.list");
    const keys = [".gpg", ".pgp"].map((end) => release.keyring + end).find(existsSync);
    const trust = keys ? `[signed-by=${keys}] ` : "";
    const lines = (await mirrors(signal)).map((uri) =>
      `deb ${trust}${uri} ${release.codename} ${release.components}`
    );
    writeFileSync(sources, lines.map((line) => `${line}\n`).join(""));
    settings.push(`Dir::Etc::SourceList=${sources}`, "Dir::Etc::SourceParts=/dev/null");
  }
  return settings.flatMap((setting) => ["-o", setting]);
}

/** Where this machine gets the packages of its own release, whether it has their lists or not. */
async function mirrors(signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await run(["apt-get", "update", "--print-uris"], { signal });
  const sources = stdout.matchAll(/^'(\S+)\/dists\/[a-z]+\/InRelease'/gm);
  return [...new Set([...sources].map(([, uri = ""]) => uri))];
}
