/**
 * Restricted features: groups of endpoints that only answer requests with a given header. The same
 * object guards HTTP and gRPC.
 *
 * @module
 */
import { TritonError } from "../errors.ts";

/** The groups of endpoints that can be restricted, by Triton's names. */
export const Feature = {
  HEALTH: "health",
  METADATA: "metadata",
  INFERENCE: "inference",
  SHARED_MEMORY: "shared-memory",
  MODEL_CONFIG: "model-config",
  MODEL_REPOSITORY: "model-repository",
  STATISTICS: "statistics",
  TRACE: "trace",
  LOGGING: "logging",
} as const;

/** One group of endpoints: a value of {@link Feature}. */
export type Feature = (typeof Feature)[keyof typeof Feature];

const FEATURES: ReadonlySet<string> = new Set(Object.values(Feature));

/** The header that a restricted feature expects. */
export interface Restriction {
  /** The header's name as configured; on gRPC it is expected behind `triton-grpc-protocol-`. */
  readonly key: string;
  /** The exact value it must have. */
  readonly value: string;
}

/**
 * Which features are restricted, and by which header.
 *
 * @example
 * ```ts
 * import { Feature, RestrictedFeatures } from "@triton-ts/frontend";
 *
 * const restricted = new RestrictedFeatures();
 * restricted.createFeatureGroup("admin-key", "secret", [Feature.MODEL_REPOSITORY, "logging"]);
 * console.log(restricted.has("logging")); // true
 * ```
 */
export class RestrictedFeatures {
  readonly #restrictions = new Map<Feature, Restriction>();

  /**
   * Restricts `features` to requests whose header `key` is exactly `value`.
   *
   * @throws {TritonError} INVALID_ARG when a feature is unknown, or is in a group already; nothing is
   * restricted then.
   */
  createFeatureGroup(key: string, value: string, features: Iterable<Feature>): void {
    const group = [...features];
    for (const [index, feature] of group.entries()) {
      if (!FEATURES.has(feature)) {
        throw new TritonError("INVALID_ARG", `unknown restricted api '${feature}' `);
      }
      if (this.#restrictions.has(feature) || group.indexOf(feature) !== index) {
        throw new TritonError(
          "INVALID_ARG",
          `restricted api '${feature}' can not be specified in multiple config groups`,
        );
      }
    }
    for (const feature of group) this.#restrictions.set(feature, { key, value });
  }

  /** The restrictions as data that `structuredClone` can copy; {@link RestrictedFeatures.of} is the way back. */
  entries(): [Feature, Restriction][] {
    return [...this.#restrictions];
  }

  /** Restrictions like those whose {@link entries} these are. */
  static of(entries: Iterable<readonly [Feature, Restriction]>): RestrictedFeatures {
    const restricted = new RestrictedFeatures();
    for (const [feature, { key, value }] of entries) {
      restricted.createFeatureGroup(key, value, [feature]);
    }
    return restricted;
  }

  /** Whether `feature` is restricted. */
  has(feature: Feature): boolean {
    return this.#restrictions.has(feature);
  }

  /** The header that `feature` expects, undefined when it is open to all. */
  get(feature: Feature): Restriction | undefined {
    return this.#restrictions.get(feature);
  }
}
