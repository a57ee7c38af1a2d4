/** Reads an ID token sent as `id_token_hint` (OpenID Connect Core, section 3.1.2.1). */
export interface HintReader {
  /** @returns its person and client; undefined if it is not an ID token of this issuer. It may have expired */
  read(token: string): { readonly clientId: string; readonly subject: string } | undefined;
}
/** The {@link HintReader}. */
export const HINTS = Symbol('countersign.issuer.id-token-hints');
