import type pg from 'pg';
import { readClientRecords } from '../registry/client-records.store.js';
import { readClientsFile } from './clients-file.js';
import { describeChange, differenceTo } from './declaration.js';

/**
 * What a start of the issuer would do to the clients in the database; it changes nothing.
 * @returns one or more lines for each client, in words
 */
export async function declaredDifference(connection: pg.ClientConfig, clientsFile: string, now: Date): Promise<string> {
  const { clients: wanted } = await readClientsFile(clientsFile);
  const changes = differenceTo(wanted, await readClientRecords(connection), now);
  if (changes.length === 0) return 'The declared clients match the database.';
  return changes.map(describeChange).join('\n');
}
