import { type Stack } from '@countersign/stack';
import { z } from 'zod';
import { ask } from './http.js';
import { type Storefront } from './storefront.js';

const idSchema = z.object({ id: z.string() });

/** Opens an account of the storefront. @returns its id @throws when it is refused */
export async function openAccount(
  { urls }: Stack,
  storefront: Storefront,
  overdraft: 'allowed' | 'forbidden',
): Promise<string> {
  const scopes = ['accounts:write', 'accounts:overdraft'];
  const { token } = await storefront.getToken({ audience: 'accounts', scopes });
  const account = { name: 'faults', kind: 'liability', currency: 'EUR', overdraft };
  const { status, body } = await ask('POST', `${urls.accounts}/accounts`, token, account);
  if (status !== 201) throw new Error(`an account could not be opened: ${String(status)} ${JSON.stringify(body)}`);
  return idSchema.parse(body).id;
}
