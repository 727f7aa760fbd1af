/** `npm run demo`: the whole story in one terminal, in a folder that is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../http/log.ts'
import { enrollPhone, type Enrolled } from '../phone/enroll.ts'
import { makeDeviceCa } from '../phone/make-ca.ts'
import { toPem } from '../formats/pem.ts'
import { serve } from '../serve.ts'
import { callLocal } from './client.ts'
import { findNginx, freePort, startFrontEnd } from './demo/front-end.ts'
import { connectMail, type Identity } from './demo/mail-client.ts'

const say = (line: string): void => { process.stdout.write(`${line}\n`) }
const expect = (what: string, found: unknown, wanted: unknown): void => {
  if (found !== wanted) throw new Error(`${what}: expected ${String(wanted)}, found ${String(found)}`)
}

const folder = await mkdtemp(join(tmpdir(), 'latchkey-demo-'))
try {
  await play(folder)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function play(folder: string): Promise<void> {
  const port = await freePort()
  const deviceCaDir = join(folder, 'device-ca')
  await makeDeviceCa(deviceCaDir)
  say('1  A test Device CA stands in for Apple’s.')
  const running = await serve({
    env: { LATCHKEY_DATA: join(folder, 'data'), LATCHKEY_LISTEN: `127.0.0.1:${port}`, LATCHKEY_TEST_DEVICE_CA: join(deviceCaDir, 'ca.pem') },
    print: () => {}, log: silentLog,
  })
  say('2  Latchkey is running; root, issuing CA and enrollment CA were made.')
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => await callLocal<T>(join(folder, 'data'), method, path, body)
  try {
    const phone = await enrollTwo(call, deviceCaDir)
    await guardMail(call, folder, port, phone)
  } finally {
    await running.stop()
  }
}

type Call = <T>(method: string, path: string, body?: unknown) => Promise<T>

async function enrollTwo(call: Call, deviceCaDir: string): Promise<Enrolled> {
  await call('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'phones we bought' })
  say('3  The admin approves iPhone14,5 (iPhone 13). Everything else stays blocked.')
  const { url } = await call<{ url: string }>('POST', '/invitations', { name: 'Ines Roth', email: 'ines@example.com', devices: 2 })
  say('4  Ines is invited, for two phones. Opening the link consumes nothing.')
  const now = (): Date => new Date()
  const refused = await enrollPhone({ link: url, product: 'iPhone1,2', build: '8C148', serial: 'DEMO3G', deviceCaDir, now })
  expect('the iPhone 3G', refused.outcome, 'refused')
  say(`5  Her old iPhone 3G is refused at the decision; its page says: “${refused.outcome === 'refused' ? /This is [^]*? here\./.exec(refused.text)?.[0] : ''}”`)
  const enrolled = await enrollPhone({ link: url, product: 'iPhone14,5', build: '20A362', serial: 'DEMO13', deviceCaDir, now })
  if (enrolled.outcome !== 'enrolled') throw new Error(`the iPhone 13 was not enrolled: ${JSON.stringify(enrolled)}`)
  say(`6  Her iPhone 13 enrolls Over-the-Air: its key is born there, its certificate is ${enrolled.certificate.serialNumber}.`)
  return enrolled
}

async function guardMail(call: Call, folder: string, port: number, phone: Enrolled): Promise<void> {
  const latchkey = { host: '127.0.0.1', port }
  const fetched = async (path: string): Promise<string> => await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  const { secret, kind } = await call<{ secret: string, kind: string }>('POST', '/front-ends', { name: 'mail', kind: findNginx() === undefined ? 'rfc9440' : 'nginx' })
  const frontEnd = await startFrontEnd({ folder: join(folder, 'front-end'), name: 'mail', secret, latchkey, chain: await fetched('/ca/chain.pem'), bundle: await fetched('/crl/bundle.pem'), now: new Date() })
  say(`7  ${frontEnd.kind} stands before the mail server: certificates required, revocation lists loaded, /check asked on every request (as ${kind}).`)
  try {
    await revokeAtFrontEnd(call, frontEnd.port, phone)
  } finally {
    await frontEnd.stop()
  }
}

async function revokeAtFrontEnd(call: Call, port: number, phone: Enrolled): Promise<void> {
  const identity: Identity = {
    certificate: [phone.certificate.raw, ...phone.chain.map(above => above.raw)].map(der => toPem('CERTIFICATE', der)).join(''),
    key: phone.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
  const open = await connectMail(port, identity)
  expect('the phone', await open.ask(), 200)
  say('8  The phone reads its mail: 200. The connection stays open, and its TLS session is kept for later.')
  const began = performance.now()
  await call('POST', '/certificates/revoke', { certificate: phone.certificate.serialNumber, reason: 'keyCompromise' })
  expect('the open connection', await open.ask(), 403)
  say(`9  The admin revokes it. On the open connection: 403, ${Math.round(performance.now() - began)} ms after the order was given.`)
  const session = open.session()
  const fresh = await connectMail(port, identity)
  expect('a new connection', await fresh.ask(), 403)
  say('10 On a new connection: 403.')
  const again = await connectMail(port, identity, session)
  const status = await again.ask()
  expect('a resumed session', status, 403)
  say(again.resumed() ? '11 On a resumed TLS 1.3 session, which walks past every revocation list: 403.' : '11 The saved TLS session was not taken up again; asked anew: 403.')
  for (const client of [open, fresh, again]) client.close()
  say('That is the whole story. Now: npm start')
}
