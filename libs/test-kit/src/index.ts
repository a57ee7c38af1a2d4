export { badTokens, type BadToken } from './bad-tokens.js';
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TokenWish } from './test-issuer.js';
