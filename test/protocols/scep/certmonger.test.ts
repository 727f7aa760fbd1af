/** certmonger: built on OpenSSL, asks by GET, encrypts with AES-256, numbers its transactions, and renews by PKCSReq. */
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fromPem } from '../../../src/formats/pem.ts'
import { isIssuedBy, parseCertificate } from '../../../src/formats/x509.ts'
import { fakeClock } from '../../support/clock.ts'
import { peer } from '../../support/peers.ts'
import { caCertificates, counted, stoppedPhone } from '../../support/scep.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { openWorld } from '../../support/world.ts'

/** What runs beside the daemon, which ends when this does. `-w` waits for the daemon's work; the loop for the CA to be known. */
const session = (folder: string, door: string, challenge: string): string => `
getcert add-scep-ca -s -c lab -u "${door}" || exit
i=0; until getcert list-cas -s -c lab | grep -q thumbprint; do i=$((i+1)); [ $i -lt 200 ] || exit; sleep 0.05; done
getcert request -s -c lab -f "${folder}/cert.pem" -k "${folder}/key.pem" -g 2048 -N CN=whoever,O=Lab -D else.example -L "${challenge}" -w -v || exit
cp "${folder}/cert.pem" "${folder}/first.pem"
getcert resubmit -s -f "${folder}/cert.pem" -w -v || exit
getcert list -s
echo the end
`

test('certmonger enrolls with the challenge of a phone, and renews by asking again', async t => {
  const [bus, certmonger, getcert] = [peer(t, 'dbus-run-session'), peer(t, 'certmonger'), peer(t, 'getcert')]
  if (bus === undefined || certmonger === undefined || getcert === undefined) return
  const world = await openWorld(t, { clock: fakeClock(new Date().toISOString()) })
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const folder = await temporaryFolder(t)
  const settings: Record<string, string> = { HOME: folder, TMPDIR: folder }
  for (const name of ['REQUESTS', 'CAS', 'LOCAL_CA', 'CONFIG', 'TMP']) {
    const path = join(folder, name)
    await mkdir(path)
    settings[name === 'TMP' ? 'CERTMONGER_TMPDIR' : `CERTMONGER_${name}_DIR`] = path
  }

  await writeFile(join(folder, 'session.sh'), session(folder, door, challenge))

  const outcome = await runInGroup(bus, ['--', certmonger, '-s', '-n', '-c', `sh ${join(folder, 'session.sh')}`], settings)

  t.regex(outcome, /the end/)
  const [first, renewed] = await Promise.all(['first.pem', 'cert.pem'].map(async name =>
    parseCertificate(fromPem(await readFile(join(folder, name), 'utf8'), 'CERTIFICATE')[0]!)))
  const [, issuing] = await caCertificates(door)
  for (const certificate of [first!, renewed!]) {
    t.true(isIssuedBy(certificate, issuing!.publicKey))
    t.is(certificate.subject.attributes[0]?.value, 'Ines Roth')
  }
  t.not(renewed!.serialNumber, first!.serialNumber)
  t.is(await counted(world, 'device'), 2)
})

/** In a process group of its own, of which nothing is left afterwards, however it ends. @returns what was printed */
function runInGroup(program: string, args: readonly string[], settings: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...settings, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env, timeout: 50_000 })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { text += chunk.toString() })
    child.on('error', reject)
    child.on('exit', () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // the group is empty already
      }
      resolve(text)
    })
  })
}
