import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isPlainHttp, messageOf } from '@countersign/auth-core';
import { ConfigurationError, privateJwkSchema } from '@countersign/service-host';
import { readDeclaredFile } from '../registry/declared-file.js';
import { providersFileSchema, type Provider } from './provider.js';

/** A provider with the content of its files, read again each time, because secrets are rotated. */
export interface DeclaredProvider extends Provider {
  /** @throws {ConfigurationError} when the file is gone or empty */
  readonly secret: () => string;
  /** @throws {ConfigurationError} when the file does not hold a private JWK */
  readonly key: () => ReturnType<typeof privateJwkSchema.parse>;
}

function textOf(name: string, path: string): string {
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (text !== '') return text;
  } catch (error) {
    throw new ConfigurationError([`PROVIDERS_FILE: ${name}: ${messageOf(error)}`]);
  }
  throw new ConfigurationError([`PROVIDERS_FILE: ${name}: ${path} is empty`]);
}

function keyOf(name: string, path: string): ReturnType<typeof privateJwkSchema.parse> {
  try {
    return privateJwkSchema.parse(JSON.parse(textOf(name, path)));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError([`PROVIDERS_FILE: ${name}: ${path} must hold one private key in JWK format`]);
  }
}

/**
 * Reads the declared providers and their secrets, without contacting any of them.
 * @param allowPlainHttp whether a provider beyond this machine may be reached without TLS
 * @throws {ConfigurationError} naming PROVIDERS_FILE and each fault
 */
export async function readProvidersFile(path: string, allowPlainHttp: boolean): Promise<readonly DeclaredProvider[]> {
  const { providers } = await readDeclaredFile('PROVIDERS_FILE', path, providersFileSchema);
  const plain = providers.find(({ issuer }) => !allowPlainHttp && isPlainHttp(issuer));
  if (plain !== undefined) {
    const why = 'plain http to another machine can be read and changed in transit';
    throw new ConfigurationError([
      `PROVIDERS_FILE: ${plain.name}.issuer: ${why}; use https, or set ALLOW_PLAIN_HTTP=true on a private network`,
    ]);
  }
  return providers.map((provider) => {
    const { client_secret_file: secretFile, client_key_file: keyFile, name } = provider;
    const at = (file: string): string => resolve(dirname(path), file);
    const declared = {
      ...provider,
      secret: () => (secretFile === undefined ? '' : textOf(`${name}.client_secret_file`, at(secretFile))),
      key: () => keyOf(`${name}.client_key_file`, at(keyFile ?? '')),
    };
    if (secretFile !== undefined) declared.secret();
    if (keyFile !== undefined) declared.key();
    return declared;
  });
}
