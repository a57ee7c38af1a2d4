import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A statement as a service sent it to PostgreSQL. */
export interface Statement {
  /** The connection that it came from. */
  readonly connection: number;
  /** As it is prepared; undefined if it is not. */
  readonly name: string | undefined;
  readonly text: string;
  /** As text, in the order of their placeholders. */
  readonly values: readonly (string | null)[];
}

/** The services that a payment leaves rows in. */
export type Ledger = 'payments' | 'accounts';

/** A statement, and the database that it is for. */
export type Step = Statement & { readonly database: Ledger };

/** A way to PostgreSQL that shows the statements that pass. */
export interface StatementTap {
  /** The database's URL through the tap. */
  readonly url: string;
  close(): void;
}

const PARSE = 0x50;
const BIND = 0x42;
const QUERY = 0x51;

/** Reads one message of PostgreSQL's protocol (version 3) from its start. */
class MessageReader {
  #at = 0;

  constructor(private readonly body: Buffer) {}

  text(): string {
    const end = this.body.indexOf(0, this.#at);
    const text = this.body.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  int16(): number {
    const value = this.body.readInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  value(): string | null {
    const length = this.body.readInt32BE(this.#at);
    this.#at += 4;
    if (length === -1) return null;
    const value = this.body.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
}

/** What one connection's client sends, message by message. */
class ClientMessages {
  #rest = Buffer.alloc(0);
  #started = false;
  readonly #texts = new Map<string, string>();

  constructor(
    private readonly connection: number,
    private readonly found: (statement: Statement) => void,
  ) {}

  add(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      // The first message has no type.
      const head = this.#started ? 1 : 0;
      if (this.#rest.length < head + 4) return;
      const end = head + this.#rest.readInt32BE(head);
      if (this.#rest.length < end) return;
      if (this.#started) this.#read(this.#rest[0], new MessageReader(this.#rest.subarray(5, end)));
      this.#started = true;
      this.#rest = this.#rest.subarray(end);
    }
  }

  #read(type: number | undefined, message: MessageReader): void {
    const { connection } = this;
    if (type === QUERY) this.found({ connection, name: undefined, text: message.text(), values: [] });
    if (type === PARSE) this.#texts.set(message.text(), message.text());
    if (type !== BIND) return;
    message.text();
    const name = message.text();
    const formats = Array.from({ length: message.int16() }, () => message.int16());
    if (formats.some((format) => format !== 0)) throw new Error('a value that is not text cannot be sent again');
    const values = Array.from({ length: message.int16() }, () => message.value());
    this.found({ connection, name: name === '' ? undefined : name, text: this.#texts.get(name) ?? '', values });
  }
}

/**
 * Opens a way to a database.
 * @param databaseUrl without TLS
 * @param onStatement is called for each statement, in order
 */
export async function tapStatements(
  databaseUrl: string,
  onStatement: (statement: Statement) => void,
): Promise<StatementTap> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    const messages = new ClientMessages((connections += 1), onStatement);
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
    client.on('data', (chunk) => {
      messages.add(chunk);
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the tap has no port');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.toString(),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
