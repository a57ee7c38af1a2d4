import { readFileSync } from 'node:fs';
import { ConfigurationError, parseJsonBody } from '@countersign/service-host';
import { z } from 'zod';
import { clientsFileSchema, type Client } from '../registry/client.js';

/** The JSON Schema of the declared file, as `/schemas/clients.json` publishes it. */
export function clientsFileJsonSchema(): object {
  return z.toJSONSchema(clientsFileSchema, { io: 'input', unrepresentable: 'any' });
}

/** Reads the declared clients: JSON, as strictly as a request's, or YAML by the file's ending. @throws {ConfigurationError} naming the variable and each fault */
export async function readClientsFile(path: string): Promise<readonly Client[]> {
  let content: unknown;
  try {
    const bytes = readFileSync(path);
    // The parser is loaded for who needs it: its 70 files would delay every start.
    content = /\.ya?ml$/i.test(path)
      ? (await import('yaml')).parse(bytes.toString('utf8'), { maxAliasCount: 100 })
      : parseJsonBody(bytes);
  } catch (error) {
    throw new ConfigurationError([`CLIENTS_FILE: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const parsed = clientsFileSchema.safeParse(content);
  if (parsed.success) return parsed.data.clients;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `CLIENTS_FILE: ${issue.path.map(String).join('.')}: ${issue.message}`),
  );
}
