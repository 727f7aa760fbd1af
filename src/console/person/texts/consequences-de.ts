import type { Consequence } from '../../../enrollment/consequences.ts'

export function consequenceDe(consequence: Consequence): string {
  const c = consequence
  switch (c.code) {
    case 'mail-account-added': return `Deine dienstlichen Mails, Kontakte und Termine von ${c.host} erscheinen auf diesem Telefon.`
    case 'mail-server-can-erase': return `Wer ${c.host} betreibt, kann dieses Telefon aus der Ferne vollständig löschen, auch deine eigenen Daten, wie bei jedem Exchange-Account.`
    case 'mail-server-can-require-passcode': return `${c.host} kann einen Code verlangen und Regeln für ihn festlegen.`
    case 'mail-server-sees-phone': return `${c.host} erfährt das Modell, die Version von iOS und wann sich das Telefon verbindet.`
    case 'mail-cannot-be-moved': return 'Nachrichten lassen sich aus diesem Account nicht in einen anderen bewegen.'
    case 'mail-only-in-mail-app': return 'Andere Apps können über diesen Account nichts senden.'
    case 'passcode-required': return c.minLength > 0 ? `Du brauchst einen Code mit mindestens ${c.minLength} Zeichen${c.alphanumeric ? ', mit Buchstaben und Ziffern' : ''}.` : 'Du brauchst einen Code.'
    case 'failed-passcodes-erase': return c.chosen ? `Nach ${c.attempts} falschen Codes in Folge löscht sich das Telefon selbst.` : `Nach ${c.attempts} falschen Codes in Folge kann sich das Telefon selbst löschen.`
    case 'passcode-expires': return `Du brauchst alle ${c.days} Tage einen neuen Code.`
    case 'passcode-history': return `Die letzten ${c.count} Codes lassen sich nicht noch einmal verwenden.`
    case 'locks-when-idle': return `Das Telefon sperrt sich spätestens nach ${c.minutes} Minuten.`
    case 'backups-encrypted': return 'Backups auf einem Computer werden mit einem Passwort verschlüsselt, das du wählst. Ohne dieses Passwort lassen sie sich nicht zurückspielen.'
    case 'wifi-added': return `Das Telefon kennt das WLAN ${c.ssid}${c.joinsByItself ? ' und verbindet sich von selbst' : ''}; wer das WLAN betreibt, sieht, mit welchen Servern das Telefon spricht.`
    case 'vpn-added': return `Das Telefon kennt das VPN bei ${c.server}${c.connectsByItself ? ' und verbindet sich von selbst' : ''}; wer das VPN betreibt, sieht, was hindurchgeht.`
    case 'home-screen-link-added': return `Ein Link „${c.label}“ zu ${c.url} erscheint auf dem Home-Bildschirm.`
    case 'identity-added': return `Das Telefon bekommt von ${c.organization} einen Schlüssel und ein Zertifikat mit deinem Namen.`
    case 'authority-added': return `Das Telefon speichert die Zertifizierungsstelle von ${c.name}. Webseiten nutzen sie nur, wenn du das selbst einschaltest.`
    case 'owner-can-remove': return 'Du kannst alles jederzeit wieder entfernen.'
  }
}
