import { ConfigurationError } from '@countersign/service-host';
import { readFileSync } from 'node:fs';
import { type z } from 'zod';
import { clientsFileSchema, type Client } from './client.js';

export const CLIENTS = Symbol('countersign.issuer.clients');
export type Clients = ReadonlyMap<string, Client>;

/** Reads and checks a JSON file that a variable names. @throws {ConfigurationError} naming the variable and each fault */
export function readJsonFile<Schema extends z.ZodType>(
  variable: string,
  path: string,
  schema: Schema,
): z.infer<Schema> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigurationError([`${variable}: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `${variable}: ${issue.path.map(String).join('.')}: ${issue.message}`),
  );
}

export function readClients(path: string): Clients {
  const { clients } = readJsonFile('CLIENTS_FILE', path, clientsFileSchema);
  return new Map(clients.map((client) => [client.client_id, client]));
}
