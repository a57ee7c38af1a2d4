import type pg from 'pg';
import { readClientRecords } from '../registry/client-records.store.js';
import { readClientsFile } from './clients-file.js';
import { describeChange, differenceTo } from './declaration.js';

/**
 * What starting the issuer would do to the clients in the database, without changing anything.
 * @returns one or more lines of text for each client
 */
export async function declaredDifference(connection: pg.ClientConfig, clientsFile: string, now: Date): Promise<string> {
  const { clients: wanted } = await readClientsFile(clientsFile);
  const changes = differenceTo(wanted, await readClientRecords(connection), now);
  if (changes.length === 0) return 'The declared clients match the database.';
  return changes.map(describeChange).join('\n');
}
