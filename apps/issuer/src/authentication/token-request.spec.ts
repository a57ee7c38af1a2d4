import { OAuthError } from '@countersign/service-host';
import { tokenRequestOf } from './token-request.js';

const scopesOf = (scopes: readonly string[]): number | string => {
  const form = { grant_type: 'client_credentials', audience: 'payments', scope: scopes.join(' ') };
  try {
    return tokenRequestOf(form).scopes.length;
  } catch (error) {
    return error instanceof OAuthError ? error.error : String(error);
  }
};
const named = (count: number, length: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index).padStart(length, 's'));

describe('the scopes of a token request', () => {
  it("are at most 64, each at most 128 characters, and together within every validator's limit", () => {
    expect([scopesOf(named(64, 31)), scopesOf(named(65, 10))]).toEqual([64, 'invalid_scope']);
    expect([scopesOf(named(1, 128)), scopesOf(named(1, 129))]).toEqual([1, 'invalid_scope']);
    expect([scopesOf(named(1, 64).concat(named(31, 63))), scopesOf(named(32, 64))]).toEqual([32, 'invalid_scope']);
  });

  it('count once each, however often they are named', () => {
    expect(scopesOf(Array.from({ length: 200 }, () => 'payments:create'))).toBe(1);
  });
});
