import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Settings } from './configuration.js';
import { type Issuer } from './issuer.js';
import { type Order } from './order.js';
import { type PersonsTokens } from './persons-tokens.js';
import { type Service, type Session, type StepUp } from './session.js';

const moneySchema = z.object({ amount: z.string(), currency: z.string() });
const accountSchema = z.object({ id: z.string(), name: z.string(), balance: moneySchema });
const accountsSchema = z.object({ accounts: z.array(accountSchema) });
const entriesSchema = z.object({ entries: z.array(z.unknown()) });
const paymentSchema = z.object({
  id: z.string(),
  status: z.string(),
  amount: moneySchema,
  reference: z.string(),
  created_at: z.string(),
});
const paymentsSchema = z.object({ payments: z.array(paymentSchema) });
const problemSchema = z.object({ code: z.string().optional(), detail: z.string().optional() });
export type Account = z.infer<typeof accountSchema>;
export type Payment = z.infer<typeof paymentSchema>;

/** The bank refused. */
export class BankRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** What is needed: a newer or stronger sign-in. */
    readonly stepUp?: StepUp,
  ) {
    super(detail);
  }
}

/** RFC 9470, section 3: what the challenge requires. */
function stepUpIn(challenge: string | null): StepUp | undefined {
  if (challenge === null || !challenge.includes('error="insufficient_user_authentication"')) return undefined;
  const age = /max_age="?(\d{1,6})"?/.exec(challenge)?.[1];
  return {
    maxAge: age === undefined ? undefined : Number(age),
    acrValues: /acr_values="([\w:./ -]{1,256})"/.exec(challenge)?.[1],
  };
}

interface Call {
  readonly method?: string;
  readonly body?: object;
  readonly key?: string;
}

/** Milliseconds that a call may take. */
const LIMIT_MS = 15_000;
/** The shop's gift to a new customer, in cents. */
const WELCOME = '10000';

/** The company's payments and accounts services, called by this server with a person's token, or with the shop's own. */
export class Bank {
  private shop: Promise<{ readonly till: string; readonly gifts: string }> | undefined;
  constructor(
    private readonly settings: Pick<Settings, Service>,
    private readonly issuer: Pick<Issuer, 'own'>,
    private readonly tokens: PersonsTokens,
  ) {}

  async accountsOf(session: Session): Promise<readonly Account[]> {
    return (await this.forPerson(session, 'accounts', accountsSchema, '/accounts?limit=20')).accounts;
  }

  async paymentsOf(session: Session): Promise<readonly Payment[]> {
    return (await this.forPerson(session, 'payments', paymentsSchema, '/payments?limit=20')).payments;
  }

  /** Opens an account for the person, unless they have one, and pays the shop's welcome gift into it, once. */
  async open(session: Session): Promise<void> {
    const body = { name: 'Shopping', kind: 'liability', currency: 'EUR' };
    const [known] = await this.accountsOf(session);
    const account =
      known ??
      (await this.forPerson(session, 'accounts', accountSchema, '/accounts', {
        method: 'POST',
        body,
        key: `shopping-${session.subject}`,
      }));
    // The bank deletes a key after a day: money in the account by then is the gift, or arrived after it.
    const statement = `/accounts/${account.id}/entries?limit=1`;
    const { entries } = await this.forPerson(session, 'accounts', entriesSchema, statement);
    if (entries.length > 0) return;
    const { gifts } = await this.shopsAccounts();
    await this.forShop('payments', 'payments:create', paymentSchema, '/payments', {
      method: 'POST',
      key: `welcome-${account.id}`,
      body: { amount: { amount: WELCOME, currency: 'EUR' }, from: gifts, to: account.id, reference: 'Welcome gift' },
    });
  }

  /** Pays on the person's behalf, from their account to the shop's. @throws {BankRefusal} with `stepUp` when a new sign-in is needed */
  async pay(session: Session, { good, key }: Order): Promise<Payment> {
    const [account] = await this.accountsOf(session);
    if (account === undefined) throw new BankRefusal(422, 'ACCOUNT_MISSING', 'Open an account first.');
    const { till } = await this.shopsAccounts();
    const amount = { amount: String(good.cents), currency: 'EUR' };
    const body = { amount, from: account.id, to: till, reference: good.name };
    return this.forPerson(session, 'payments', paymentSchema, '/payments', { method: 'POST', body, key });
  }

  /** The shop's own two accounts, created once. The one for gifts represents the outside world and may go below zero. */
  private shopsAccounts(): Promise<{ readonly till: string; readonly gifts: string }> {
    const find = async (): Promise<{ till: string; gifts: string }> => {
      const scope = 'accounts:read accounts:write accounts:overdraft';
      const { accounts } = await this.forShop('accounts', scope, accountsSchema, '/accounts?limit=20');
      const account = async (name: string, overdraft: string): Promise<string> => {
        const known = accounts.find((one) => one.name === name);
        if (known !== undefined) return known.id;
        const body = { name, kind: 'liability', currency: 'EUR', overdraft };
        const how = { method: 'POST', key: randomUUID(), body };
        return (await this.forShop('accounts', scope, accountSchema, '/accounts', how)).id;
      };
      return { till: await account('Till', 'forbidden'), gifts: await account('Gifts', 'allowed') };
    };
    this.shop ??= find().catch((error: unknown) => {
      this.shop = undefined;
      throw error;
    });
    return this.shop;
  }

  private async forPerson<Schema extends z.ZodType>(
    session: Session,
    service: Service,
    schema: Schema,
    path: string,
    call?: Call,
  ): Promise<z.infer<Schema>> {
    const token = await this.tokens.of(session, service);
    try {
      return await this.call(service, token, schema, path, call);
    } catch (error) {
      if (!(error instanceof BankRefusal) || error.status !== 401 || error.stepUp !== undefined) throw error;
      const another = await this.tokens.afterRefusal(session, service, token);
      return this.call(service, another, schema, path, call);
    }
  }

  private async forShop<Schema extends z.ZodType>(
    service: Service,
    scope: string,
    schema: Schema,
    path: string,
    call?: Call,
  ): Promise<z.infer<Schema>> {
    return this.call(service, await this.issuer.own(service, scope), schema, path, call);
  }

  private async call<Schema extends z.ZodType>(
    service: Service,
    token: string,
    schema: Schema,
    path: string,
    { method = 'GET', body, key }: Call = {},
  ): Promise<z.infer<Schema>> {
    const response = await fetch(new URL(path, this.settings[service]), {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(LIMIT_MS),
      headers: {
        authorization: `Bearer ${token}`,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json().catch(() => ({}));
    if (response.ok) return schema.parse(answer);
    const { code = 'UNKNOWN', detail = 'The bank did not say why.' } = problemSchema.safeParse(answer).data ?? {};
    throw new BankRefusal(response.status, code, detail, stepUpIn(response.headers.get('www-authenticate')));
  }
}
