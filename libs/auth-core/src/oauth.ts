/*
 * Names and limits that go over the wire, each defined here and nowhere else: tools/stack/src/one-home.spec.ts checks that.
 */

/** The `typ` of an access token's header (RFC 9068, section 2.1). */
export const ACCESS_TOKEN_TYP = 'at+jwt';
/** Maximum lifetime of an access token in seconds: nothing that bounds a token or a revocation needs to last longer. */
export const TOKEN_LIFE_LIMIT_SECONDS = 900;

/** The `grant_type` of RFC 8693, section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** The `grant_type` of RFC 7523, section 2.1. */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** The `grant_type` of RFC 8628, section 3.4. */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
/** The beginning of the token types of RFC 8693, section 3. */
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
/** The `client_assertion_type` of RFC 7523, section 2.2. */
export const CLIENT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** The beginning of the `request_uri`s of RFC 9126, section 2.2. */
export const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:';
/** The `subject_token_type` of a Countersign API key. */
export const API_KEY_TOKEN_TYPE = 'urn:countersign:params:oauth:token-type:api-key';
