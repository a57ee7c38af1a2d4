import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { thumbprintOf, type Algorithm, type PrivateJwk } from '@countersign/auth-core';
import { isAlgorithm, keyFits, mayBeUsedTo } from '@countersign/auth-core/jws';
import { ConfigurationError, privateJwkSchema } from '@countersign/service-host';
import { z } from 'zod';

/** A signing key that was generated elsewhere. */
export interface ImportedKey {
  readonly jwk: PrivateJwk;
  readonly algorithm: Algorithm;
}

/** Reads the file that SIGNING_KEY_IMPORT names. @throws {ConfigurationError} also when the `kid` is not the RFC 7638 thumbprint of the key */
export function readImportedKey(path: string): ImportedKey {
  const fault = (message: string): ConfigurationError => new ConfigurationError([`SIGNING_KEY_IMPORT: ${message}`]);
  try {
    const jwk = privateJwkSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    const { alg, kid } = jwk;
    if (!mayBeUsedTo('sign', jwk)) throw fault('must be a signing key; its use or key_ops says otherwise');
    const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
    if (!isAlgorithm(alg) || !keyFits(alg, key)) throw fault(`the key does not match the algorithm ${alg}`);
    if (thumbprintOf(jwk) !== kid) throw fault(`the kid ${kid} is not the thumbprint of the key`);
    return { jwk, algorithm: alg };
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw fault(error instanceof z.ZodError ? z.prettifyError(error) : 'not a private JWK in a readable JSON file');
  }
}
