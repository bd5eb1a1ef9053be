/**
 * Patterns of paths.
 *
 * @module
 */

/** A model's path. One pattern for both forms, so that the router can put all routes in one expression. */
export const MODEL = "/v2/models/:model{[^/]+(?:/versions/[0-9]+)?}";
