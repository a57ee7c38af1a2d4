import { type Transport, type TransportAnswer } from '@countersign/auth';
import { TokenRequestError, type TokenClient } from '@countersign/auth-core';
import type pg from 'pg';

/**
 * Where a run is cut. `before`: the process dies before the step; `after`: once it is done, before its answer is seen; `lost`: the step is
 * done, its answer is lost, the process lives on; `late`: the process dies while its request is on the way, which is carried out later.
 */
export type CutMode = 'before' | 'after' | 'lost' | 'late';

export interface Cut {
  /** The step's number in its run, from 0. */
  readonly at: number;
  readonly mode: CutMode;
}

/** What a dead process says to anyone who still asks it. */
class ProcessDied extends Error {
  constructor() {
    super('the process died here');
    this.name = 'ProcessDied';
  }
}

/** One process of the service: every commit and every remote call passes here, and at one of them it may be cut. */
export class CutProcess {
  readonly steps: ('commit' | 'remote' | 'token')[] = [];
  readonly late: (() => Promise<unknown>)[] = [];
  #dead = false;

  constructor(private readonly cut?: Cut) {}

  get dead(): boolean {
    return this.#dead;
  }

  /** A step that changes nothing: only a living process takes it. */
  live(): void {
    if (this.#dead) throw new ProcessDied();
  }

  async step<T>(kind: 'commit' | 'remote' | 'token', act: () => Promise<T>, lostError: () => Error): Promise<T> {
    this.live();
    const here = this.steps.push(kind) - 1 === this.cut?.at;
    if (!here) {
      const result = await act();
      this.live();
      return result;
    }
    if (this.cut?.mode === 'late') this.late.push(act);
    if (this.cut?.mode === 'before' || this.cut?.mode === 'late') {
      this.#dead = true;
      throw new ProcessDied();
    }
    await act();
    if (this.cut?.mode === 'lost') throw lostError();
    this.#dead = true;
    throw new ProcessDied();
  }
}

const changing = /^\s*(with p0|insert|update|delete)/i;

function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  return typeof query === 'object' && query !== null && 'text' in query ? String(query.text) : '';
}

const connectionLost = (): Error => new Error('Connection terminated unexpectedly');

function cutClient(client: pg.PoolClient, process: CutProcess): pg.PoolClient {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name !== 'query') return typeof member === 'function' ? member.bind(target) : member;
      return async (...args: unknown[]): Promise<unknown> => {
        const query = (): Promise<unknown> => Reflect.apply(target.query, target, args);
        const text = textOf(args[0]).trim().toLowerCase();
        // The server does it for a dead process too; the connection is good for another.
        if (text === 'rollback') return query();
        if (text !== 'commit') {
          if (process.dead) await target.query('rollback').catch(() => undefined);
          process.live();
          return query();
        }
        try {
          return await process.step('commit', query, connectionLost);
        } catch (error) {
          await target.query('rollback').catch(() => undefined);
          throw error;
        }
      };
    },
  });
}

/** The pool as a process has it: each statement that changes something is a commit, as is each COMMIT. */
export function cutPool(pool: pg.Pool, process: CutProcess): pg.Pool {
  return new Proxy(pool, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'connect') {
        return async () => {
          process.live();
          return cutClient(await target.connect(), process);
        };
      }
      if (name !== 'query') return typeof member === 'function' ? member.bind(target) : member;
      return async (...args: unknown[]): Promise<unknown> => {
        const query = (): Promise<unknown> => Reflect.apply(target.query, target, args);
        if (changing.test(textOf(args[0]))) return process.step('commit', query, connectionLost);
        process.live();
        return query();
      };
    },
  });
}

/** The way to accounts as a process has it. */
export function cutTransport(transport: Transport, process: CutProcess): Transport {
  return (request): Promise<TransportAnswer> => {
    const unhurried = { ...request, signal: new AbortController().signal };
    return process.step(
      'remote',
      () => transport(unhurried),
      () => new Error('socket hang up'),
    );
  };
}

/** The way to the issuer as a process has it. */
export function cutTokens(tokens: TokenClient, process: CutProcess): TokenClient {
  const lost = (): Error => new TokenRequestError('NETWORK', 'socket hang up', undefined, true);
  return {
    getToken: (requested) => process.step('token', () => tokens.getToken(requested), lost),
    exchange: (requested) => process.step('token', () => tokens.exchange(requested), lost),
    forget: (token) => tokens.forget(token),
  };
}
