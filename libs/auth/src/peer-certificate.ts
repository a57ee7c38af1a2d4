import { TLSSocket } from 'node:tls';
import { type ClientCertificate } from './verification.js';

/** The certificate that a client showed in the TLS handshake with this very process; nothing where it showed none that was verified. */
export const peerCertificate: ClientCertificate = (request) => {
  const raw: unknown = 'raw' in request ? request.raw : request;
  const socket: unknown = typeof raw === 'object' && raw !== null && 'socket' in raw ? raw.socket : undefined;
  if (!(socket instanceof TLSSocket)) return undefined;
  // Without a certificate Node answers an empty object.
  const { raw: certificate }: { readonly raw?: Uint8Array } = socket.getPeerCertificate();
  return certificate;
};
