import { readdirSync, readFileSync } from 'node:fs';
import { isObject } from '../json-object.js';
import { type TokenErrorCode } from '../token-error-reasons.js';

/** How the signature of a hostile token is made. */
export type SignatureRecipe =
  | 'good'
  | 'empty'
  | 'stranger'
  | 'of-good'
  | 'other-claims'
  | 'with-slash'
  | 'hmac-pem'
  | 'hmac-jwk'
  | 'hmac-empty'
  | 'secp256k1'
  | 'p384'
  | 'psychic'
  | 'r-zero'
  | 's-zero'
  | 'r-order'
  | 's-order'
  | 'all-ones'
  | 'der'
  | 'short'
  | 'long'
  | 'padded'
  | 'swapped'
  | 'huge';

/**
 * One file of `corpus/`: a token that must be refused, as a recipe, because a token holds times and keys. A recipe starts from a valid token and says
 * what is different; `null` removes a member. Placeholders: `{header}`, `{payload}`, `{signature}`, `{token}`, `{issuer}`, `{audience}`, `{kid}`,
 * `{listener}`, `{strangerJwk}`.
 */
export interface HostileCase {
  /** The file's name, without its extension. */
  readonly file: string;
  readonly name: string;
  /** The code that the verifier must refuse it with. */
  readonly expect: TokenErrorCode;
  /** The standard's section, or the attack's number. */
  readonly why: string;
  /** Why we refuse what jose accepts; only for such cases. */
  readonly stricter?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly headerText?: string;
  /** A time is `{ "now": seconds from now, "times": factor }`. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** JSON put in front of the last brace of the claims. */
  readonly claimsAppend?: string;
  readonly claimsText?: string;
  readonly claimsHex?: string;
  readonly signature?: SignatureRecipe;
  /** The token; `{header}.{payload}.{signature}` by default. */
  readonly text?: string;
  /** The character that pads it to `length`. */
  readonly fill?: string;
  readonly length?: number;
}

const folder = new URL('../../corpus/', import.meta.url);

function isCase(value: unknown): value is Omit<HostileCase, 'file'> {
  return isObject(value) && ['name', 'expect', 'why'].every((member) => typeof value[member] === 'string');
}

/** The corpus: every file of `corpus/`, by name. @throws {Error} for a file that is not a case */
export function hostileCases(): readonly HostileCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const value: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
      if (!isCase(value)) throw new Error(`corpus/${file} is not a case`);
      return { ...value, file: file.slice(0, -'.json'.length) };
    });
}
