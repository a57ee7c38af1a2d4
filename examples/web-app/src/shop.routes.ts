import { type FastifyInstance } from 'fastify';
import { BankRefusal, type Bank } from './bank.js';
import { orderOf, type Order } from './order.js';
import * as pages from './pages.js';
import { NotAllowed } from './persons-tokens.js';
import { type Session } from './session.js';
import { show, type Visits } from './visit.js';

/** Undefined if the person did not allow it. */
async function ifAllowed<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof NotAllowed) return undefined;
    throw error;
  }
}

/** Whether the bank may have paid, or may still pay: it is overloaded or broken, still processing the same order, or did not respond. */
const isUndecided = (error: unknown): boolean =>
  !(error instanceof BankRefusal) || error.status >= 500 || error.status === 409;

/** The shop itself: its products and purchases. */
export function shopRoutes(
  app: FastifyInstance,
  { bank, visits }: { bank: Pick<Bank, 'accountsOf' | 'paymentsOf' | 'open' | 'pay'>; visits: Visits },
): void {
  app.get('/', async (request, reply) => {
    const session = visits.session(request);
    if (session === undefined) return show(reply, pages.welcomePage());
    const found = [ifAllowed(bank.accountsOf(session)), ifAllowed(bank.paymentsOf(session))] as const;
    return show(reply, pages.shopPage(session, ...(await Promise.all(found))));
  });

  app.post('/account', async (request, reply) => {
    const sent = visits.form(request, reply);
    if (sent === undefined) return reply;
    await bank.open(sent.session);
    sent.session.notice = 'Your account is open, with a welcome gift of €100.00.';
    return reply.redirect('/', 303);
  });

  app.get('/waiting', (request, reply) => {
    const session = visits.session(request);
    if (session?.waiting === undefined) return reply.redirect('/', 302);
    return show(reply, pages.payWaitingPage(session, session.waiting));
  });

  function answered(session: Session, { key }: Order): void {
    if (session.unanswered?.key === key) session.unanswered = undefined;
  }

  /** @returns whether the bank requires a newer or stronger sign-in first */
  async function pay(session: Session, order: Order): Promise<boolean> {
    try {
      const payment = await bank.pay(session, order);
      session.waiting = undefined;
      answered(session, order);
      session.notice = `${order.good.name}: ${payment.status}.`;
    } catch (error) {
      if (error instanceof BankRefusal && error.stepUp !== undefined) {
        Object.assign(session, { waiting: order, stepUp: error.stepUp });
        return true;
      }
      if (error instanceof NotAllowed) {
        session.notice = 'The shop may not do that for you. You can allow it below.';
        return false;
      }
      if (isUndecided(error)) session.unanswered = order;
      if (!(error instanceof BankRefusal)) throw error;
      if (isUndecided(error)) return false;
      // A final refusal; any other refusal says nothing about an earlier attempt.
      if (error.status === 422) answered(session, order);
      session.notice = `The bank refused: ${error.message}`;
    }
    return false;
  }

  app.post('/pay', async (request, reply) => {
    const sent = visits.form(request, reply);
    if (sent === undefined) return reply;
    const order = orderOf(Object.fromEntries(sent.form));
    if (order === undefined) return show(reply, pages.errorPage('The shop does not have that.'), 400);
    return (await pay(sent.session, order)) ? show(reply, pages.confirmPage(order)) : reply.redirect('/', 303);
  });
}
