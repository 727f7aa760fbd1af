import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { caddyName, startCaddy } from '../support/caddy.ts'
import { foreignIdentity } from '../support/check-service.ts'
import { foundIn, openClinic, verdictOf } from '../support/front-end-trial.ts'
import { peer } from '../support/peers.ts'

test('nothing is found on Caddy as printed, although it resumes sessions', async t => {
  const program = peer(t, 'caddy')
  if (program === undefined) return
  const clinic = await openClinic(t, 'caddy')
  const foreign = await foreignIdentity(clinic.service)
  const files = { certificate: join(clinic.folder, 'foreign.pem'), key: join(clinic.folder, 'foreign-key.pem') }
  writeFileSync(files.certificate, foreign.pem)
  writeFileSync(files.key, foreign.privateKeyPem)
  const caddy = await startCaddy(t, { caddy: program, latchkey: clinic.url, secret: clinic.secret })
  const report = await clinic.cli('front-end', 'doctor', `https://${caddyName}`, '--connect', `127.0.0.1:${caddy.port}`, '--insecure', '--late', '100', '--json', '--foreign-certificate', files.certificate, '--foreign-key', files.key)
  t.deepEqual(foundIn(report), [], report.out)
  for (const probe of ['a certificate is demanded', 'another CA under the same root', 'revoked just now, resumed session', 'answers of /check are not kept', 'nobody gets in when Latchkey does not answer']) {
    t.is(verdictOf(report, probe), 'fine', probe)
  }
  const resumed = report.json.probes.find((each: { probe: string }) => each.probe === 'revoked just now, resumed session')
  t.regex(resumed.detail, /Latchkey was asked each time/)
})
