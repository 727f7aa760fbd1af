/** Messages made and answers read by openssl and python3-asn1crypto, which know nothing of our encoder. */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { toPem } from '../../../src/formats/pem.ts'
import { keyToPem } from '../../../src/phone/keys.ts'
import { fakeClock } from '../../support/clock.ts'
import { peer } from '../../support/peers.ts'
import { run, scratchFolder } from '../../support/programs.ts'
import { caCertificates, counted, post, stoppedPhone } from '../../support/scep.ts'
import { phoneKeys } from '../../support/kept.ts'
import { openWorld } from '../../support/world.ts'

const script = fileURLToPath(new URL('../../support/scep-client.py', import.meta.url))

type Programs = { openssl: string, python: string, file: ReturnType<typeof scratchFolder>, folder: string }

function programs(t: ExecutionContext): Programs | undefined {
  const [openssl, python] = [peer(t, 'openssl'), peer(t, 'python3:asn1crypto')]
  if (openssl === undefined || python === undefined) return undefined
  const file = scratchFolder(t)
  return { openssl, python, file, folder: file('.') }
}

const must = async (t: ExecutionContext, program: string, args: readonly string[], input?: Buffer | string): Promise<Buffer> => {
  const { status, stdout, text } = await run(program, args, input)
  t.is(status, 0, text)
  return stdout
}

type Said = Record<'messageType' | 'pkiStatus' | 'failInfo' | 'senderNonce' | 'recipientNonce' | 'transactionID' | 'signatureAlgorithm', string | undefined> & { signers?: number, certificates?: string[] }

/** Sends a request of openssl's and asn1crypto's making, and reads the answer with them. */
async function exchange(t: ExecutionContext, { python, folder }: Programs, door: string, csr: Buffer, more: { cipher?: string, messageType?: string } = {}): Promise<Said & { sentNonce: string }> {
  const senderNonce = randomBytes(16).toString('hex')
  const wanted = { csr: csr.toString('base64'), cipher: 'aes128', messageType: '19', transactionID: '154862839', senderNonce, ...more }
  const message = await must(t, python, [script, 'request', folder], JSON.stringify(wanted))
  const { body } = await post(door, message)
  return { ...JSON.parse((await must(t, python, [script, 'reply', folder], body)).toString()), sentNonce: senderNonce }
}

test('openssl and asn1crypto enroll, with every cipher that phones have, and find their certificate alone in the answer', async t => {
  const tools = programs(t)
  if (tools === undefined) return
  const { openssl, file } = tools
  const world = await openWorld(t, { clock: fakeClock(new Date().toISOString()) })
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [registration, issuing, root] = await caCertificates(door)
  file('ra.pem', toPem('CERTIFICATE', registration!.raw))
  file('issuing.pem', toPem('CERTIFICATE', issuing!.raw))
  file('root.pem', toPem('CERTIFICATE', root!.raw))
  file('key.pem', keyToPem(phoneKeys.identity))
  file('csr.cnf', `[req]\nprompt = no\nattributes = a\ndistinguished_name = d\n[d]\nCN = whoever\n[a]\nchallengePassword = ${challenge}\n`)
  await must(t, openssl, ['req', '-new', '-x509', '-key', file('key.pem'), '-subj', '/CN=a phone', '-days', '1', '-out', file('signer.pem')])
  const csr = await must(t, openssl, ['req', '-new', '-key', file('key.pem'), '-config', file('csr.cnf'), '-outform', 'DER'])

  const issued = new Set<string>()
  for (const cipher of ['aes128', 'aes192', 'aes256', 'des3']) {
    const said = await exchange(t, tools, door, csr, { cipher })
    t.like(said, { messageType: '3', pkiStatus: '0', transactionID: '154862839', signatureAlgorithm: '1.2.840.113549.1.1.1', signers: 0, failInfo: undefined })
    t.is(said.recipientNonce, said.sentNonce)
    t.is(said.senderNonce?.length, 32)
    t.is(said.certificates?.length, 1, 'clients take the first for their own')
    issued.add(said.certificates![0]!)
  }
  t.is(issued.size, 1)
  t.is(await counted(world, 'device'), 1)
  file('cert.pem', toPem('CERTIFICATE', Buffer.from([...issued][0]!, 'base64')))
  const chain = ['-CAfile', file('root.pem'), '-untrusted', file('issuing.pem')]
  await must(t, openssl, ['verify', '-purpose', 'sslclient', ...chain, file('cert.pem')])
  await must(t, openssl, ['verify', ...chain, file('ra.pem')])
})

test('openssl and asn1crypto read a refusal', async t => {
  const tools = programs(t)
  if (tools === undefined) return
  const { openssl, file } = tools
  const world = await openWorld(t)
  const door = `${world.url}/scep/issuing`
  file('ra.pem', toPem('CERTIFICATE', (await caCertificates(door))[0]!.raw))
  file('key.pem', keyToPem(phoneKeys.identity))
  await must(t, openssl, ['req', '-new', '-x509', '-key', file('key.pem'), '-subj', '/CN=a phone', '-days', '1', '-out', file('signer.pem')])
  const csr = await must(t, openssl, ['req', '-new', '-key', file('key.pem'), '-subj', '/CN=whoever', '-outform', 'DER'])

  for (const [content, messageType, failInfo] of [[csr, '19', '2'], [csr, '17', '2'], [csr, '18', '2'], [csr, '20', '4'], [Buffer.from('garbage'), '19', '1']] as const) {
    const { certificates, sentNonce, ...said } = await exchange(t, tools, door, content, { messageType })
    t.like(said, { messageType: '3', pkiStatus: '2', failInfo, transactionID: '154862839', recipientNonce: sentNonce })
    t.is(certificates, undefined)
  }
})
