/**
 * `@countersign/service-host/outgoing`: where a service may send requests to addresses that somebody else chose: webhooks, notices to
 * applications, documents of clients.
 */
export { askNameServers, askSystem, type NameLookup } from './outgoing/name-lookup.js';
export {
  postToTarget,
  targetAgentOptions,
  type AttemptTimes,
  type PostedTo,
  type TargetAgent,
} from './outgoing/target-post.js';
export {
  isPublicAddress,
  pinnedLookup,
  readTarget,
  refusalOfUrl,
  TargetRefused,
  URL_LIMIT,
  type Target,
  type TargetRefusal,
  type TargetRule,
} from './outgoing/target.js';
