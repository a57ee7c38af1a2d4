/**
 * Processor time of the whole process an operation: other processes on the machine do not count, helper threads do.
 * @returns microseconds an operation
 */
export async function cpuTimeOf(operations: number, run: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / operations;
}
