import { isIP } from 'node:net';
import { z } from 'zod';

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/**
 * Addresses and networks (CIDR), parted by commas, of the proxies whose `X-Forwarded-For` is believed; none when empty.
 * A network of all addresses is refused: then everybody could say who they are.
 */
export const trustedProxiesSchema = z
  .string()
  .default('')
  .transform((text): readonly string[] =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .refine((entries) => entries.every(isNetwork), 'IP addresses or networks like 10.0.0.0/8, parted by commas')
  .refine((entries) => entries.every((entry) => !entry.endsWith('/0')), 'a network of all addresses trusts everybody');
