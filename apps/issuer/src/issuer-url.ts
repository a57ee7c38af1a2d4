/** Injection token of this issuer's identifier: the `iss` of its tokens, and where its metadata is. */
export const ISSUER_URL = Symbol('countersign.issuer.url');
