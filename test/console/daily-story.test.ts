/** The pages of every day in a real browser: axe, the pages' own policy and the browser's console have nothing to say. */
import test from 'ava'
import { refreshCounts } from '../../src/store/counts.ts'
import { openStory } from '../support/browser.ts'
import { issueDevice, revokeNow } from '../support/issued.ts'

const paths = ['', '/invitations', '/invitations/new', '/invitations/many', '/templates', '/templates/new', '/templates/default', '/records', '/records?actor=nobody', '/records/1']

for (const look of [{ width: 1280 }, { width: 320, dark: true }, { width: 320, dark: false }]) {
  test(`axe finds nothing on the pages of every day, ${look.width} points wide${look.dark === true ? ', dark' : ''}, and none is wider than the screen`, async t => {
    const story = await openStory(t, { look, config: { smtpUrl: 'smtp://127.0.0.1:9' } })
    if (story === undefined) return
    const { service, page, url } = story
    await service.publish()
    for (let index = 0; index < 5; index++) {
      const made = await issueDevice(service, { validityDays: 10 + index * 30 })
      if (index === 3) await revokeNow(service, made)
    }
    await refreshCounts(service.db, service.now())
    await story.signIn('admin')
    await page.goto(`${url}/console/invitations/new`)
    await page.fill('#f-name', 'Ines Roth')
    await page.fill('#f-email', 'ines@example.com')
    await page.click('button.main')
    await story.axe()
    for (const path of paths) {
      await page.goto(`${url}/console${path}`)
      await story.axe()
      t.true(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), `${path} is wider than the screen`)
    }
    await page.goto(`${url}/console/invitations`)
    await page.click('tbody a')
    await story.axe()
  })
}

test('many are invited from a file, their links copied, and a template is checked while it is typed', async t => {
  const story = await openStory(t)
  if (story === undefined) return
  const { page, url, context, service } = story
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await story.signIn('admin')
  await page.goto(`${url}/console/invitations/many`)
  await page.setInputFiles('#f-file', { name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('name,email\nAda,ada@example.org\nBob,bob@example.org\n') })
  await page.waitForFunction('document.getElementById("f-csv").value.includes("Bob")')
  await page.click('text=Check the table')
  await story.axe()
  await page.click('text=Invite 2 people')
  await story.axe()
  await page.click('[data-copy] >> nth=0')
  await page.waitForSelector('text=Copied')
  t.is(await page.evaluate('navigator.clipboard.readText()'), await page.textContent('code.link >> nth=0'))
  await page.goto(`${url}/console/templates/default`)
  await page.fill('#f-text', '{ "organization": "Northwind" }')
  await page.waitForSelector('#preview >> text=fields are wrong')
  await story.axe()
  await page.fill('#f-text', JSON.stringify({ organization: 'Northwind', displayName: 'Work mail', contact: 'IT', identifier: 'com.example.x', exchange: { host: 'mail.example.org' } }))
  await page.waitForSelector('#preview >> text=Exchange Account')
  service.clock.advance(1)
  await page.click('text=Write the template')
  await page.waitForSelector('text=The template is written')
  await story.axe()
})
