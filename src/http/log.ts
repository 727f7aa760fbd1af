/** One JSON object a line. Fields are chosen by the caller; secrets, tokens and request paths are never among them. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, fields?: Readonly<Record<string, string | number | boolean | null>>) => void

export const jsonLog = (write: (line: string) => void, now: () => Date): Log => (level, event, fields = {}) => {
  write(`${JSON.stringify({ at: now().toISOString(), level, event, ...fields })}\n`)
}

export const silentLog: Log = () => {}
