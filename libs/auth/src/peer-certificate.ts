import { TLSSocket } from 'node:tls';
import { type ClientCertificate } from './verification.js';

/** The client certificate of a TLS handshake with this process; undefined if there was none that verified. */
export const peerCertificate: ClientCertificate = (request) => {
  const raw: unknown = 'raw' in request ? request.raw : request;
  const socket: unknown = typeof raw === 'object' && raw !== null && 'socket' in raw ? raw.socket : undefined;
  if (!(socket instanceof TLSSocket)) return undefined;
  // Without a certificate Node returns an empty object.
  const { raw: certificate }: { readonly raw?: Uint8Array } = socket.getPeerCertificate();
  return certificate;
};
