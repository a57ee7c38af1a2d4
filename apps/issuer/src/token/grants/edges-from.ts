import { type Client, type OutsideEdge } from '../../registry/client.js';
import { type OutsideIssuer } from '../../outside/outside-issuer.js';

/** The edges by which a client may act for somebody of an outside issuer. */
export function edgesFrom({ policy }: Pick<Client, 'policy'>, { name }: OutsideIssuer): readonly OutsideEdge[] {
  return (policy.outside_exchange ?? []).filter((edge) => edge.subject_issuer === name);
}

/** What tokens of the issuer may be for, so that the client may exchange them; this issuer itself where an edge names nobody. */
export function audiencesOf(edges: readonly OutsideEdge[], ownIssuer: string): readonly string[] {
  return [...new Set(edges.map((edge) => edge.subject_audience ?? ownIssuer))];
}
