import type { PhoneIdentity } from '../../src/phone/device-identity.ts'
import { signedBy, type HostileMessage } from './hostile-signing.ts'
import { plistWith } from './ota-phone.ts'

/** Properly signed by a phone, and not to be read all the same. */
export async function badContents(identity: PhoneIdentity, challenge: string): Promise<HostileMessage[]> {
  const good = plistWith(challenge).toString('utf8')
  const attributes = good.slice(good.indexOf('<dict>') + 6, good.indexOf('</dict>'))
  const doctype = good.slice(0, good.indexOf('<plist'))
  const entity = doctype.replace('.dtd">', '.dtd" [<!ENTITY a "iPhone14,5">]>')
  const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)
  const inDict = (more: string): string => good.replace('</dict>', `${more}</dict>`)
  const contents: [string, string, string | Buffer][] = [
    ['a key twice', 'malformed-plist', inDict('<key>PRODUCT</key><string>iPhone17,1</string>')],
    ['a key twice, of the same value', 'malformed-plist', inDict('<key>PRODUCT</key><string>iPhone14,5</string>')],
    ['the challenge twice', 'malformed-plist', inDict('<key>CHALLENGE</key><string>x</string>')],
    ['an entity of its own', 'malformed-plist', good.replace(doctype, entity)],
    ['an entity of its own, in use', 'malformed-plist', good.replace(doctype, entity).replace('iPhone14,5', '&a;')],
    ['an entity from a file', 'malformed-plist', good.replace('.dtd">', '.dtd" [<!ENTITY a SYSTEM "file:///etc/passwd">]>').replace('iPhone14,5', '&a;')],
    ['entities that grow', 'malformed-plist', good.replace('.dtd">', `.dtd" [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 20 }, (_, i) => `<!ENTITY a${i} "${`&a${i === 0 ? '' : i - 1};`.repeat(10)}">`).join('')}]>`).replace('iPhone14,5', '&a19;')],
    ['a CDATA section', 'malformed-plist', good.replace('iPhone14,5', '<![CDATA[iPhone14,5]]>')],
    ['a comment inside a value', 'malformed-plist', good.replace('iPhone14,5', 'iPhone<!-- 1 -->14,5')],
    ['a processing instruction', 'malformed-plist', inDict('<?php ?>')],
    ['an element that is none', 'malformed-plist', good.replace('<string>iPhone14,5</string>', '<text>iPhone14,5</text>')],
    ['PRODUCT as data', 'malformed-plist', good.replace('<string>iPhone14,5</string>', '<data>aVBob25l</data>')],
    ['PRODUCT as a list', 'malformed-plist', good.replace('<string>iPhone14,5</string>', '<array><string>iPhone14,5</string></array>')],
    ['PRODUCT as a number', 'malformed-plist', good.replace('<string>iPhone14,5</string>', '<integer>14</integer>')],
    ['PRODUCT of 100 characters more than a model has', 'malformed-plist', good.replace('iPhone14,5', `iPhone14,5${' '.repeat(200)}`)],
    ['a NUL by reference', 'malformed-plist', good.replace('iPhone14,5', 'iPhone14,5&#0;')],
    ['half a surrogate by reference', 'malformed-plist', good.replace('iPhone14,5', 'iPhone14,5&#xD800;')],
    ['a list', 'malformed-plist', `${doctype}<plist version="1.0"><array><string>x</string></array></plist>`],
    ['two values', 'malformed-plist', good.replace('</plist>', '<dict/></plist>')],
    ['no property list', 'malformed-plist', 'PRODUCT=iPhone14,5'],
    ['nothing inside', 'malformed-plist', ''],
    ['a binary property list', 'malformed-plist', Buffer.from('62706c6973743030d0080000000000000101000000000000000100000000000000000000000000000009', 'hex')],
    ['UTF-16', 'malformed-plist', Buffer.from(`\ufeff${good}`, 'utf16le')],
    ['no UTF-8', 'malformed-plist', Buffer.concat([Buffer.from(good), Buffer.from([0xff])])],
    ['cut off in the middle', 'malformed-plist', good.slice(0, good.length >> 1)],
    ['lists inside lists', 'malformed-plist', inDict(`<key>x</key>${nested(2_000, '<array>', '</array>')}`)],
    ['dictionaries inside dictionaries', 'malformed-plist', inDict(`<key>x</key>${nested(1_000, '<dict><key>x</key>', '</dict>')}`)],
    ['no PRODUCT', 'device-attributes-missing', good.replace(/\s*<key>PRODUCT<\/key>\s*<string>[^<]*<\/string>/, '')],
    ['an empty PRODUCT', 'device-attributes-missing', good.replace('iPhone14,5', '')],
    ['no UDID', 'device-attributes-missing', good.replace(/\s*<key>UDID<\/key>\s*<string>[^<]*<\/string>/, '')],
    ['no SERIAL', 'device-attributes-missing', good.replace(/\s*<key>SERIAL<\/key>\s*<string>[^<]*<\/string>/, '')],
    ['no CHALLENGE', 'bad-challenge', good.replace(/\s*<key>CHALLENGE<\/key>\s*<string>[^<]*<\/string>/, '')],
    ['an empty CHALLENGE', 'bad-challenge', good.replace(challenge, '')],
    ['a CHALLENGE with a space after it', 'bad-challenge', good.replace(challenge, `${challenge} `)],
    ['a CHALLENGE in other letters', 'bad-challenge', good.replace(challenge, challenge.toUpperCase() === challenge ? challenge.toLowerCase() : challenge.toUpperCase())],
    ['a CHALLENGE cut short', 'bad-challenge', good.replace(challenge, challenge.slice(0, -1))],
    ['the hash of no challenge', 'bad-challenge', good.replace(challenge, '0'.repeat(64))],
    ['a key that JavaScript knows', 'bad-challenge', `${doctype}<plist version="1.0"><dict><key>__proto__</key><dict><key>CHALLENGE</key><string>${challenge}</string></dict>${attributes.replace(/\s*<key>CHALLENGE<\/key>\s*<string>[^<]*<\/string>/, '')}</dict></plist>`],
    ['60,000 spaces', 'bad-challenge', inDict(' '.repeat(56_000)).replace(challenge, 'x')],
    ['thousands of keys', 'bad-challenge', inDict(Array.from({ length: 1_400 }, (_, i) => `<key>k${i}</key><string>v</string>`).join('')).replace(challenge, 'x')],
    ['thousands of comments', 'bad-challenge', inDict('<!---->'.repeat(7_000)).replace(challenge, 'x')],
    ['thousands of references', 'malformed-plist', good.replace('iPhone14,5', '&lt;'.repeat(12_000))],
    ['an attribute of 56,000 characters', 'malformed-plist', good.replace('<dict>', `<dict a="${'a'.repeat(56_000)}">`)],
    ['thousands of attributes', 'malformed-plist', good.replace('<dict>', `<dict ${Array.from({ length: 5_000 }, (_, i) => `a${i}=""`).join(' ')}>`)],
    ['a tag that never ends', 'malformed-plist', `${doctype}<plist version="1.0"><${'d'.repeat(56_000)}`],
    ['a base64 of 56,000 characters that is none', 'malformed-plist', inDict(`<key>x</key><data>${'A='.repeat(28_000)}</data>`)],
  ]
  const messages: HostileMessage[] = []
  for (const [what, code, content] of contents) messages.push({ what, code, body: await signedBy({ identity, content: Buffer.from(content) }) })
  return messages
}
