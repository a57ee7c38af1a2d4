import { z } from 'zod';
import { clientsFileSchema, type Client } from '../registry/client.js';
import { readDeclaredFile } from '../registry/declared-file.js';

/** The JSON Schema of the declared file, as `/schemas/clients.json` publishes it. */
export function clientsFileJsonSchema(): object {
  return z.toJSONSchema(clientsFileSchema, { io: 'input', unrepresentable: 'any' });
}

/** Reads the declared clients. @throws {ConfigurationError} naming the variable and each fault */
export async function readClientsFile(path: string): Promise<readonly Client[]> {
  return (await readDeclaredFile('CLIENTS_FILE', path, clientsFileSchema)).clients;
}
