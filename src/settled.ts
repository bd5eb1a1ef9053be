/**
 * What handlers of an event loop's turns say of what they were given.
 *
 * @module
 */

/**
 * True when nothing that follows from it waits in a promise; else nothing. When all handlers of a round say
 * true, the next round may begin before the runtime gets its turn, in which promises go on.
 */
export type Settled = true | void;
