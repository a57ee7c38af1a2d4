import { z } from 'zod';

/** The shop's goods, with prices in cents. */
export const goods = [
  { id: 'coffee', name: 'Coffee', cents: 250n },
  { id: 'basket', name: 'Basket of groceries', cents: 4_999n },
  { id: 'bicycle', name: 'Bicycle', cents: 149_900n },
] as const;
export type Good = (typeof goods)[number];

/** A person's order: the product, and the key under which it is paid once however often the form is sent. */
export interface Order {
  readonly good: Good;
  readonly key: string;
}

const formSchema = z.object({ good: z.string(), key: z.uuid() });

/** @returns undefined if the form names none of our products */
export function orderOf(form: unknown): Order | undefined {
  const parsed = formSchema.safeParse(form);
  if (!parsed.success) return undefined;
  const good = goods.find(({ id }) => id === parsed.data.good);
  return good === undefined ? undefined : { good, key: parsed.data.key };
}

/** Cents formatted for people. */
export function euros(cents: bigint | string): string {
  const amount = BigInt(cents);
  const text = (amount < 0n ? -amount : amount).toString().padStart(3, '0');
  return `${amount < 0n ? '−' : ''}€${text.slice(0, -2)}.${text.slice(-2)}`;
}
