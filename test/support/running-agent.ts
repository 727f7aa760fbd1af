/** An agent that has enrolled with a feed server, and runs until the test ends. */
import { generateKeyPairSync } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { startAgent, type RunningAgent } from '../../src/agent/run.ts'
import { AgentFolder } from '../../src/agent/settings.ts'
import type { Target } from '../../src/agent/target.ts'
import { toPem } from '../../src/formats/pem.ts'
import type { FeedServer } from './feed-server.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

/** What enrollment leaves behind. */
export async function enrolledFolder(t: ExecutionContext<any>, server: FeedServer, kind = 'haproxy'): Promise<AgentFolder> {
  const folder = new AgentFolder(await temporaryFolder(t))
  const signer = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('Agents'), testSerialNumber('agent'), signer)
  folder.create()
  folder.writeIdentity(signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, toPem('CERTIFICATE', certificate))
  folder.writeSettings({ url: server.origin, atDoor: false, frontEnd: 'edge', kind, rootFingerprint: server.pin })
  folder.writeTrust({ trust: server.trust, policy: server.policy })
  server.agentKey = signer.publicKey
  return folder
}

export type Following = RunningAgent & {
  readonly events: string[]
  /** Resolves when this change is in force. */
  inForce(change: number): Promise<void>
}

export function follow(t: ExecutionContext<any>, folder: AgentFolder, target: Target, now: () => Date = () => new Date()): Following {
  const events: string[] = []
  let reached = -1
  let waiting: { change: number, resolve: () => void }[] = []
  const running = startAgent({
    folder, target, now, monotonicMs: () => performance.now(), log: (event, detail) => { events.push(`${event} ${detail}`) },
    inForce: change => {
      reached = change
      waiting = waiting.filter(item => { if (item.change <= change) item.resolve(); return item.change > change })
    },
  })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => stopped ??= running.stop()
  t.teardown(stop)
  return {
    ...running, events, stop,
    inForce: change => reached >= change ? Promise.resolve() : new Promise(resolve => { waiting.push({ change, resolve }) }),
  }
}

/** Asks until it is so; a test that waits for what never comes ends by its time limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise(resolve => { setTimeout(resolve, 5) })
}

/** A key that nobody knows. */
export const strangersKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
