import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

export type Child = {
  /** The next line of its output; undefined when it has ended. */
  line: () => Promise<string | undefined>
  tell: (text: string) => void
  /** SIGKILL; answers when the process is gone, with the lines that nobody had read. */
  kill: () => Promise<string[]>
}

/** Starts a script of this folder as a process of its own, which does not outlive the test. */
export function startChild(t: ExecutionContext<any>, script: string, ...args: string[]): Child {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stderr.pipe(process.stderr, { end: false })
  const ended = once(child, 'close')
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const line = async (): Promise<string | undefined> => {
    const next = await lines.next()
    return next.done === true ? undefined : next.value
  }
  const kill = async (): Promise<string[]> => {
    child.kill('SIGKILL')
    const unread: string[] = []
    for (let next = await line(); next !== undefined; next = await line()) unread.push(next)
    await ended
    return unread
  }
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  return { line, tell: text => { child.stdin.write(text) }, kill }
}
