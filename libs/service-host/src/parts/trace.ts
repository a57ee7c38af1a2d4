export {
  auditRequest,
  Trace,
  traceOf,
  type AuditRequest,
  type RequestTrace,
  type TracedRequest,
} from '../request-trace.js';
