import type { ExecutionContext } from 'ava'

/** Stands for a test where there is none: what was started ends when it is closed, the newest first. */
export function outsideTests(): { t: ExecutionContext, close(): Promise<void> } {
  const undo: (() => unknown)[] = []
  const t = {
    teardown: (step: () => unknown) => { undo.push(step) },
    regex: (text: string, pattern: RegExp) => { if (!pattern.test(text)) throw new Error(`${text} is not ${pattern}`) },
    fail: (reason: string) => { throw new Error(reason) },
    log: () => {}, pass: () => {},
  }
  return {
    t: t as unknown as ExecutionContext,
    close: async () => {
      const failures: unknown[] = []
      for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
        try {
          await step()
        } catch (error) {
          failures.push(error) // what else was started has to end all the same
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}
