/**
 * The files with the certificates of a front end, which may be renewed while it runs.
 *
 * @module
 */
import { readFileSync, statSync } from "node:fs";
import { TritonError } from "../errors.ts";
import type { Certificates } from "../net/tls.ts";

/** The paths, by the option that names them. */
export interface CertificatePaths {
  readonly serverCert: string | undefined;
  readonly serverKey: string | undefined;
  /** Only read for mutual authentication. */
  readonly rootCert: string | undefined;
}

/** See the module. */
export class CertificateFiles {
  readonly #paths: CertificatePaths;
  readonly #isMutual: boolean;
  #state = "";

  /** `isMutual` asks for `rootCert` as well. Nothing is read yet. */
  constructor(paths: CertificatePaths, isMutual: boolean) {
    this.#paths = paths;
    this.#isMutual = isMutual;
  }

  /**
   * Reads the files.
   *
   * @throws {TritonError} INVALID_ARG when one is missing or cannot be read.
   */
  read(): Certificates {
    const { serverCert, serverKey, rootCert } = this.#paths;
    this.#state = this.#modified();
    return {
      cert: readPem("serverCert", serverCert),
      key: readPem("serverKey", serverKey),
      clientAuthorities: this.#isMutual ? readPem("rootCert", rootCert) : undefined,
    };
  }

  /**
   * Reads the files if they are others than the last time. Undefined also when they cannot be read, as
   * may be while they are replaced: then the next look decides.
   */
  readIfChanged(): Certificates | undefined {
    const state = this.#modified();
    if (state === this.#state) return undefined;
    try {
      return this.read();
    } catch {
      this.#state = "";
      return undefined;
    }
  }

  #modified(): string {
    return Object.values(this.#paths).map((path) => {
      const stat = path && statSync(path, { throwIfNoEntry: false });
      return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : "";
    }).join();
  }
}

function readPem(option: string, path: string | undefined): string {
  if (path === undefined || path === "") {
    throw new TritonError("INVALID_ARG", `Cannot speak TLS: the option ${option} is missing`);
  }
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TritonError("INVALID_ARG", `Cannot read ${option} "${path}"`, { cause });
  }
}
