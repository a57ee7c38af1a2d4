/** Seconds that what is exchanged must still have: a token with less is of no use on its way. */
export const LEAST_LIFETIME = 5;
