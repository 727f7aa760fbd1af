import { sha256 } from '../../certificates/issue.ts'
import { revoke } from '../../certificates/revoke.ts'
import { CaError } from '../../errors.ts'
import { readSignedRequest, verifySignedRequest, type ReadSignature, type SignatureHeaders } from '../../formats/http-signature.ts'
import { parseCertificate } from '../../formats/x509.ts'
import { change } from '../../http/change.ts'
import type { Service } from '../../http/service.ts'
import { agentStore, type AgentRecord } from '../../store/agents.ts'
import { certificateStore, lockRevocations, revocationStore } from '../../store/certificates.ts'
import { frontEndStore, type FrontEnd } from '../../store/front-ends.ts'
import { actorOf } from './issue.ts'

/** How far an agent's clock may be from ours, and so how long a nonce is remembered. */
const toleranceMs = 120_000

export type SignedRequest = { method: string, url: string, headers: Readonly<Record<string, string | string[] | undefined>>, body?: Buffer }

/** How an agent is known: by what it signed (RFC 9421), or by the certificate of its connection. One answer for everything that is wrong. */
export type AgentAuthentication = {
  /** @throws {CaError} unauthorized */
  bySignature(request: SignedRequest): Promise<FrontEnd>
  /** @param certificate  the DER that the TLS handshake has proven the key of. @throws {CaError} unauthorized */
  byCertificate(certificate: Buffer): Promise<FrontEnd>
}

export function agentAuthentication(service: Service): AgentAuthentication {
  const isNew = nonces()
  return {
    async bySignature(request) {
      const read = readSignature(request)
      const now = service.now()
      if (Math.abs(now.getTime() - read.created.getTime()) > toleranceMs) throw unauthorized()
      const agent = await inForce(service, Buffer.from(read.keyId, 'hex'), now)
      verifyAs(agent, read)
      // Only now: a stranger must not be able to use up what an agent is about to send.
      if (!isNew(`${read.keyId} ${read.nonce}`, now)) throw unauthorized()
      return await frontEndOf(service, agent)
    },
    byCertificate: async certificate => await frontEndOf(service, await inForce(service, sha256(certificate), service.now())),
  }
}

async function inForce(service: Service, certificateSha256: Buffer, now: Date): Promise<AgentRecord> {
  const agent = await agentStore(service.db).bySha256(certificateSha256, now)
  if (agent === undefined || !agent.inForce) throw unauthorized()
  return agent
}

async function frontEndOf(service: Service, agent: AgentRecord): Promise<FrontEnd> {
  const frontEnd = await frontEndStore(service.db).find(agent.frontEndName)
  if (frontEnd === undefined) throw unauthorized()
  if (agent.firstUsedAt === null) await retireOlder(service, frontEnd, agent)
  return frontEnd
}

function readSignature({ method, url, headers, body }: SignedRequest): ReadSignature {
  const [path = '', query = ''] = url.split('?', 2)
  try {
    return readSignedRequest({ method, path, query, body }, headers as Partial<SignatureHeaders>)
  } catch {
    throw unauthorized()
  }
}

function verifyAs(agent: AgentRecord, read: ReadSignature): void {
  try {
    verifySignedRequest(read, parseCertificate(agent.der).publicKey)
  } catch {
    throw unauthorized()
  }
}

/** An agent has shown that it works with its new certificate: the ones before it end. */
async function retireOlder(service: Service, frontEnd: FrontEnd, agent: AgentRecord): Promise<void> {
  await change(service, actorOf(frontEnd), async (tx, record, now) => {
    await lockRevocations(tx)
    if (!await certificateStore(tx).markUsed(agent, now)) return
    for (const older of await agentStore(tx).olderOf(agent, now)) {
      await revoke(revocationStore(tx), { ...older, reason: 'superseded', actor: 'latchkey', cause: `superseded by ${agent.serialNumber.toString('hex')}` }, now)
      await record('agent.supersede', `front-end:${frontEnd.name}`, { serialNumber: older.serialNumber.toString('hex'), by: agent.serialNumber.toString('hex') })
    }
  })
}

/** Remembers what was used while it could be used again. Two maps that take turns forget without looking at each entry. */
function nonces(): (nonce: string, now: Date) => boolean {
  let [current, previous] = [new Set<string>(), new Set<string>()]
  let turn = 0
  return (nonce, now) => {
    if (now.getTime() - turn > 2 * toleranceMs) [previous, current, turn] = [now.getTime() - turn > 4 * toleranceMs ? new Set() : current, new Set(), now.getTime()]
    if (current.has(nonce) || previous.has(nonce)) return false
    current.add(nonce)
    return true
  }
}

const unauthorized = (): CaError => new CaError('unauthorized', 'there is no agent in force that is known by this')
