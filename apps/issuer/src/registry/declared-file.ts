import { readFileSync } from 'node:fs';
import { messageOf } from '@countersign/auth-core';
import { ConfigurationError, parseJsonBody } from '@countersign/service-host';
import { type z } from 'zod';

/**
 * Reads a declaration file: JSON, as strictly as a request body, or YAML, depending on the file's ending.
 * @param variable the one that names the file
 * @throws {ConfigurationError} naming the variable and each fault
 */
export async function readDeclaredFile<Schema extends z.ZodType>(
  variable: string,
  path: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  let content: unknown;
  try {
    const bytes = readFileSync(path);
    // The parser is loaded only if needed: its 70 files would delay every start.
    content = /\.ya?ml$/i.test(path)
      ? (await import('yaml')).parse(bytes.toString('utf8'), { maxAliasCount: 100 })
      : parseJsonBody(bytes);
  } catch (error) {
    throw new ConfigurationError([`${variable}: ${messageOf(error)}`]);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `${variable}: ${issue.path.map(String).join('.')}: ${issue.message}`),
  );
}
