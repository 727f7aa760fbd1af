import type { KeyObject } from 'node:crypto'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { createApp } from '../../src/app.ts'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { agentDoorName } from '../../src/formats/agent-door-name.ts'
import { signRequest } from '../../src/formats/http-signature.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { fingerprint } from '../../src/formats/x509.ts'
import { agentDoor } from '../../src/http/agent-door.ts'
import { frontEndEnd } from '../../src/protocols/api/operations/front-ends.ts'
import { enrolledAgent } from '../support/agent.ts'
import { fakeClock } from '../support/clock.ts'
import { openDoors } from '../support/console.ts'
import { issueDevice } from '../support/issued.ts'
import { testService } from '../support/service.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../support/signers.ts'

type Answer = { status: number, text: string, server: PeerCertificate }

async function open(t: ExecutionContext) {
  // TLS looks at the real clock.
  const service = await testService(t, { clock: fakeClock(new Date().toISOString()) })
  await service.publish()
  const agent = await enrolledAgent(service, await openDoors(t, service))
  const { server } = await agentDoor(service, createApp(service, { phones: false, admins: false, agents: true }), {})
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>(resolve => { server.close(() => { resolve() }); server.closeAllConnections() }))
  const ca = toPem('CERTIFICATE', activeAuthority(service.authorities(), 'agent').certificate.raw)
  const ask = async (path: string, client: { key?: KeyObject, cert?: string } = { key: agent.privateKey, cert: agent.certificate }, headers: Record<string, string> = {}): Promise<Answer> =>
    await new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1', port: (server.address() as AddressInfo).port, path, ca, servername: agentDoorName, agent: false, headers,
        ...client.key !== undefined && { key: client.key.export({ type: 'pkcs8', format: 'pem' }), cert: client.cert },
      }, response => {
        const peer = (response.socket as TLSSocket).getPeerCertificate()
        let text = ''
        response.setEncoding('utf8').on('data', chunk => { text += chunk }).on('end', () => { resolve({ status: response.statusCode!, text, server: peer }) }).on('error', reject)
      })
      asked.on('error', reject).end()
    })
  return { service, agent, ask }
}

test('at the door of agents a certificate of theirs is enough, and says whose it is', async t => {
  const { ask } = await open(t)
  const answer = await ask('/feed/state')
  t.is(answer.status, 200)
  t.is(answer.server.subject.CN, agentDoorName)
  t.is((await ask('/agents/edge/trust')).status, 200)
  t.is((await ask('/agents/other/trust')).status, 403)
  t.is((await ask('/crl/issuing/0.crl')).status, 200)
})

test('the door of agents opens for nobody else, and leads nowhere else', async t => {
  const { service, agent, ask } = await open(t)
  for (const path of ['/feed/state', '/agents/edge/trust', '/crl/issuing/0.crl', '/ca/root.pem', '/healthz', '/']) t.is((await ask(path, {})).status, 401, path)
  const phone = await issueDevice(service)
  await t.throwsAsync(ask('/feed/state', { key: phone.privateKey, cert: phone.pem }))
  const [stranger, signer] = [await newAuthority('Latchkey Agent CA'), newSigner()]
  const strange = toPem('CERTIFICATE', await issueTestCertificate(stranger, testSerialNumber('agent'), signer))
  await t.throwsAsync(ask('/feed/state', { key: signer.privateKey, cert: strange }))
  const signed = signRequest({ method: 'GET', path: '/feed/state', query: '' }, { keyId: fingerprint(fromPem(agent.certificate, 'CERTIFICATE')[0]!), created: service.now(), nonce: 'a'.repeat(32) }, agent.privateKey)
  t.is((await ask('/feed/state', {}, { ...signed })).status, 401, 'what is signed counts behind the proxy')
  for (const path of ['/console', '/api/v1/front-ends', '/check/edge', '/i/x']) t.is((await ask(path)).status, 404, path)
})

test('an agent whose front end has ended is refused although TLS still knows it', async t => {
  const { service, ask } = await open(t)
  await frontEndEnd.run(service, { name: 'ada', source: 'test', role: 'admin' } as never, { name: 'edge' })
  t.is((await ask('/feed/state')).status, 401)
})
