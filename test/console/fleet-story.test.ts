/** Phones, certificates, quarantine, models and policy in a real browser, at a desk and on a phone. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { appleDeviceAnchor, testDeviceAnchor } from '../../src/devices/device-identity.ts'
import { enrollPhone } from '../../src/phone/enroll.ts'
import { openStory, type Look, type Story } from '../support/browser.ts'
import { inviteAt } from '../support/world.ts'
import { keptDeviceCa } from '../support/kept.ts'

/** Three phones: two with a key, one that waits for somebody. */
async function openFleet(t: ExecutionContext, look: Look): Promise<Story | undefined> {
  const deviceCaDir = await keptDeviceCa(t)
  const testDeviceCa = join(deviceCaDir, 'ca.pem')
  const story = await openStory(t, { look, config: { testDeviceCa }, anchors: [appleDeviceAnchor(), testDeviceAnchor(readFileSync(testDeviceCa, 'utf8'))] })
  if (story === undefined) return undefined
  const { service, url } = story
  await service.db.query(`insert into approvals (id, pattern, least_evidence, reason, author, not_before) values (gen_random_uuid(), 'iPhone*', 'signed', 'All our phones', 'Ada Marsh', $1)`, [service.now()])
  for (const [name, product, build] of [['Ines Roth', 'iPhone14,5', '20A362'], ['Tom Weiss', 'iPhone10,4', '20H240'], ['Samir Haddad', 'iPhone99,1', '20A362']] as const) {
    const { link } = await inviteAt(service, url, { name, email: `${name.split(' ')[0]!.toLowerCase()}@example.com` })
    await enrollPhone({ link, product, build, serial: `F2L${name.slice(0, 4).toUpperCase()}0001`, deviceCaDir, now: service.now })
    service.clock.advance(60)
  }
  await story.signIn()
  return story
}

test('the way of an admin: find a phone, hold it, decide about one that waits, approve models, preview a rule and apply it', async t => {
  const story = await openFleet(t, {})
  if (story === undefined) return
  const { page, url } = story
  await page.goto(`${url}/console/phones`)
  await page.getByRole('search').first().getByRole('searchbox').fill('ines')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Ines Roth' }).click()
  await page.getByText('The phone introduced itself').waitFor()
  await page.getByRole('link', { name: 'Put on hold' }).click()
  await story.axe()
  await page.getByRole('button', { name: 'Put on hold' }).click()
  await page.getByText('On hold. It can be released').waitFor()

  await page.goto(`${url}/console/quarantine`)
  await page.getByRole('link', { name: 'Samir Haddad' }).click()
  await story.axe()
  await page.getByLabel('Why').fill('Seen in person')
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('Approved. Its owner opens').waitFor()

  await page.goto(`${url}/console/models?family=iPhone`)
  await page.getByPlaceholder('Name or product type').fill('16 pro')
  t.deepEqual(await page.locator('#models tbody tr:visible').count(), 2)
  await page.getByRole('checkbox', { name: 'iPhone17,1' }).check()
  await page.getByText('1 ticked').waitFor()
  await page.getByRole('button', { name: 'Approve what is ticked' }).click()
  await story.axe()
  await page.getByLabel('Why').fill('New ones')
  await page.getByRole('button', { name: 'Approve', exact: true }).click()
  await page.getByText('It is approved').or(page.getByText('Approved.')).first().waitFor()

  await page.goto(`${url}/console/policy/new`)
  await story.axe()
  await page.getByLabel('Version below').fill('17.4')
  await page.getByLabel('Reason for the record').fill('Holes in older ones')
  await page.getByRole('button', { name: 'See what it means' }).click()
  await page.getByText('This reaches 1 certificate of 1 person.').waitFor()
  await story.axe()
  await page.getByRole('button', { name: 'Apply to 1 certificate' }).click()
  await page.getByText('1 certificate held.').waitFor()
  await page.getByRole('button', { name: 'Take it back' }).click()
  await page.getByText('1 certificate released.').waitFor()
})

for (const look of [{}, { width: 320, dark: true }, { width: 360, script: false }] satisfies Look[]) {
  test(`axe finds nothing on any page of phones, certificates, models and policy: ${JSON.stringify(look)}`, async t => {
    const story = await openFleet(t, look)
    if (story === undefined) return
    const { service, page, url } = story
    const [{ phone, serial, waits }] = await service.db.query(`select (select d.id from devices d where d.product_type = 'iPhone14,5') as phone,
      (select d.id from devices d where d.product_type = 'iPhone99,1') as waits, (select encode(serial_number, 'hex') from certificates where kind = 'device' limit 1) as serial`) as [{ phone: string, serial: string, waits: string }]
    for (const path of [
      '/phones', '/phones?q=nobody', `/phones/${phone}`, `/phones/${phone}/revoke`, '/certificates', `/certificates/${serial}`, `/certificates/${serial}/hold`, '/quarantine', `/quarantine/${waits}`,
      '/models', '/models?family=iPhone&approved=yes', '/models/iPhone14,5', '/models/approve?preset=attests-model', '/models/approve?pattern=iPhone14,*', `/policy/exemptions/new?phone=${phone}`, '/policy', '/policy/new', `/policy/explain?phone=${phone}`, '/policy/changes',
    ]) {
      await page.goto(`${url}/console${path}`)
      if (look.script !== false) await story.axe()
      const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth').catch(() => 0) as number
      t.true(wide <= 0, `${path} is ${wide} px wider than the screen`)
      if (process.env['SHOTS'] !== undefined) await page.screenshot({ path: join(process.env['SHOTS'], `${look.width ?? 1280}${path.replaceAll(/\W+/g, '-').slice(0, 40)}.png`), fullPage: look.width !== undefined || !path.startsWith('/models') })
    }
  })
}
