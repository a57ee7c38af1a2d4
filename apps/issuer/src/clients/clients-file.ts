import { z } from 'zod';
import { clientsFileSchema, type ClientsFile } from '../registry/client.js';
import { readDeclaredFile } from '../registry/declared-file.js';

/** The JSON Schema of the declared file, as `/schemas/clients.json` publishes it. */
export function clientsFileJsonSchema(): object {
  return z.toJSONSchema(clientsFileSchema, { io: 'input', unrepresentable: 'any' });
}

/** Reads the declared clients, and the words for what they ask people. @throws {ConfigurationError} naming the variable and each fault */
export async function readClientsFile(path: string): Promise<ClientsFile> {
  return readDeclaredFile('CLIENTS_FILE', path, clientsFileSchema);
}
