import { readDeclaredFile } from '../registry/declared-file.js';
import { outsideIssuersFileSchema, type OutsideIssuer } from './outside-issuer.js';

/** Reads the declared outside issuers; none without a file. @throws {ConfigurationError} naming the variable and each fault */
export async function readOutsideIssuersFile(path: string | undefined): Promise<readonly OutsideIssuer[]> {
  if (path === undefined) return [];
  return (await readDeclaredFile('TRUSTED_ISSUERS_FILE', path, outsideIssuersFileSchema)).issuers;
}
