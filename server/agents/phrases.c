#include "server/agents/phrases.h"

#include "server/agents/agent.h"
#include "server/agents/parts.h"
#include "server/config/config_check.h"

#include <stddef.h>
#include <string.h>

enum { WHEN_MAX = 16 };

/* A language, as agents name it and as Twilio's <Say> does. Languages without texts are
 * those that Twilio reads all the same: their agents may have phrases of their own. */
static const struct language {
	const char *code; /* ISO 639-1 */
	const char *tag;
	const char *texts[PHRASE_COUNT];
} languages[] = {
	{ "en", "en-US",
	    { [PHRASE_BUSY] = "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye.",
		[PHRASE_DRAINING] = "We are sorry, we have to interrupt our service for a moment. Please call again in "
				    "a few minutes. Goodbye.",
		[PHRASE_DAY_COST] =
		    "We are sorry, we cannot take your call right now. Please call again later. Goodbye.",
		[PHRASE_CALLER_BUSY] = "We are sorry, the line is busy at the moment. Please call again in a "
				       "few minutes. Goodbye.",
		[PHRASE_CALLER_OFTEN] = "We are sorry, you have called very often within a short time. Please "
					"call again later. Goodbye.",
		[PHRASE_BLOCKED] = "We are sorry, we do not take calls from your number. Goodbye.",
		[PHRASE_NOT_ALLOWED] = "We are sorry, this line is for registered callers only. Goodbye.",
		[PHRASE_APOLOGY] =
		    "We are sorry, we have a technical problem. Please call again in a few minutes. Goodbye.",
		[PHRASE_UNANSWERED] =
		    "We are sorry, nobody can take your call right now. Please call again later. Goodbye.",
		[PHRASE_OUTBOUND] = "We are sorry, we have to end this call here. Goodbye.",
		[PHRASE_OUTBOUND_END] = "We have to end this call here. Thank you. Goodbye.",
		[PHRASE_TIME_LIMIT] = "The time for this call is over. Thank you. Goodbye.",
		[PHRASE_IDLE] = "We cannot hear anybody, so we are ending this call. Goodbye.",
		[PHRASE_COST_LIMIT] = "I am sorry, we have to end our call here. Thank you. Goodbye.",
		[PHRASE_MACHINE] = "We are sorry that we missed you. We will try again later. Goodbye.",
		[PHRASE_UNAVAILABLE] = "We are sorry, nobody can take your call at the moment.",
		[PHRASE_CALL_AGAIN] = "Please call again later. Thank you. Goodbye.",
		[PHRASE_CONNECTING] = "Please hold the line. We are connecting you with somebody.",
		[PHRASE_VOICEMAIL] = "Please leave a message after the tone, and press the pound key at the end.",
		[PHRASE_MESSAGE_TAKEN] = "Thank you, your message was recorded. Goodbye.",
		[PHRASE_ONE_MOMENT] = "One moment, please.",
		[PHRASE_TROUBLE] = "I am sorry, we have a technical problem. One moment, please.",
		[PHRASE_STILL_THERE] = "Are you still there?",
		[PHRASE_NOT_HEARD] = "I am sorry, I did not hear anything. Please speak, or press a key.",
		[PHRASE_UNCLEAR] = "I am sorry, I did not understand that. Please say it again." } },
	{ "es", "es-ES",
	    { [PHRASE_BUSY] = "Lo sentimos, todas nuestras líneas están ocupadas. Por favor, vuelva a llamar dentro "
			      "de unos minutos. Adiós.",
		[PHRASE_DRAINING] = "Lo sentimos, tenemos que interrumpir nuestro servicio un momento. Por favor, "
				    "vuelva a llamar dentro de unos minutos. Adiós.",
		[PHRASE_DAY_COST] = "Lo sentimos, ahora mismo no podemos atender su llamada. Por favor, vuelva a "
				    "llamar más tarde. Adiós.",
		[PHRASE_CALLER_BUSY] = "Lo sentimos, la línea está ocupada en este momento. Por favor, vuelva a "
				       "llamar dentro de unos minutos. Adiós.",
		[PHRASE_CALLER_OFTEN] = "Lo sentimos, ha llamado muchas veces en poco tiempo. Por favor, vuelva "
					"a llamar más tarde. Adiós.",
		[PHRASE_BLOCKED] = "Lo sentimos, no atendemos llamadas desde su número. Adiós.",
		[PHRASE_NOT_ALLOWED] = "Lo sentimos, esta línea es solo para números registrados. Adiós.",
		[PHRASE_APOLOGY] = "Lo sentimos, tenemos un problema técnico. Por favor, vuelva a llamar dentro de "
				   "unos minutos. Adiós.",
		[PHRASE_UNANSWERED] = "Lo sentimos, en este momento nadie puede atender su llamada. Por favor, vuelva "
				      "a llamar más tarde. Adiós.",
		[PHRASE_OUTBOUND] = "Lo sentimos, tenemos que terminar esta llamada aquí. Adiós.",
		[PHRASE_OUTBOUND_END] = "Tenemos que terminar esta llamada aquí. Gracias. Adiós.",
		[PHRASE_TIME_LIMIT] = "Se ha agotado el tiempo de esta llamada. Muchas gracias. Adiós.",
		[PHRASE_IDLE] = "No oímos a nadie, así que terminamos esta llamada. Adiós.",
		[PHRASE_COST_LIMIT] = "Lo siento, tenemos que terminar aquí esta llamada. Muchas gracias. Adiós.",
		[PHRASE_MACHINE] = "Sentimos no haber podido hablar con usted. Volveremos a llamar más tarde. Adiós.",
		[PHRASE_UNAVAILABLE] = "Lo sentimos, nadie puede atenderle en este momento.",
		[PHRASE_CALL_AGAIN] = "Por favor, llame de nuevo más tarde. Gracias. Adiós.",
		[PHRASE_CONNECTING] = "No cuelgue, por favor. Le ponemos en contacto con una persona.",
		[PHRASE_VOICEMAIL] =
		    "Por favor, deje su mensaje después de la señal y, al terminar, pulse la tecla almohadilla.",
		[PHRASE_MESSAGE_TAKEN] = "Gracias, hemos grabado su mensaje. Adiós.",
		[PHRASE_ONE_MOMENT] = "Un momento, por favor.",
		[PHRASE_TROUBLE] = "Lo siento, tenemos un problema técnico. Un momento, por favor.",
		[PHRASE_STILL_THERE] = "¿Sigue usted ahí?",
		[PHRASE_NOT_HEARD] = "Lo siento, no he oído nada. Por favor, hable o pulse una tecla.",
		[PHRASE_UNCLEAR] = "Lo siento, no le he entendido. Por favor, repítalo." } },
	{ "fr", "fr-FR",
	    { [PHRASE_BUSY] = "Nous sommes désolés, toutes nos lignes sont occupées. Veuillez rappeler dans quelques "
			      "minutes. Au revoir.",
		[PHRASE_DRAINING] = "Nous sommes désolés, nous devons interrompre notre service un instant. Veuillez "
				    "rappeler dans quelques minutes. Au revoir.",
		[PHRASE_DAY_COST] = "Nous sommes désolés, nous ne pouvons pas prendre votre appel pour le moment. "
				    "Veuillez rappeler plus tard. Au revoir.",
		[PHRASE_CALLER_BUSY] = "Nous sommes désolés, la ligne est occupée pour le moment. Veuillez "
				       "rappeler dans quelques minutes. Au revoir.",
		[PHRASE_CALLER_OFTEN] = "Nous sommes désolés, vous avez appelé très souvent en peu de temps. "
					"Veuillez rappeler plus tard. Au revoir.",
		[PHRASE_BLOCKED] = "Nous sommes désolés, nous ne prenons pas d'appels de votre numéro. Au "
				   "revoir.",
		[PHRASE_NOT_ALLOWED] = "Nous sommes désolés, cette ligne est réservée aux numéros enregistrés. "
				       "Au revoir.",
		[PHRASE_APOLOGY] = "Nous sommes désolés, nous rencontrons un problème technique. Veuillez rappeler "
				   "dans quelques minutes. Au revoir.",
		[PHRASE_UNANSWERED] = "Nous sommes désolés, personne ne peut prendre votre appel pour le moment. "
				      "Veuillez rappeler plus tard. Au revoir.",
		[PHRASE_OUTBOUND] = "Nous sommes désolés, nous devons mettre fin à cet appel. Au revoir.",
		[PHRASE_OUTBOUND_END] = "Nous devons mettre fin à cet appel. Merci. Au revoir.",
		[PHRASE_TIME_LIMIT] = "Le temps prévu pour cet appel est écoulé. Merci, et au revoir.",
		[PHRASE_IDLE] = "Nous n'entendons personne, nous mettons donc fin à cet appel. Au revoir.",
		[PHRASE_COST_LIMIT] = "Nous devons malheureusement mettre fin à cet appel. Merci, et au revoir.",
		[PHRASE_MACHINE] = "Nous regrettons de ne pas avoir pu vous parler. Nous rappellerons plus tard. Au "
				   "revoir.",
		[PHRASE_UNAVAILABLE] = "Nous sommes désolés, personne ne peut vous répondre en ce moment.",
		[PHRASE_CALL_AGAIN] = "Veuillez rappeler plus tard. Merci et au revoir.",
		[PHRASE_CONNECTING] = "Ne quittez pas, s'il vous plaît. Nous vous mettons en relation avec quelqu'un.",
		[PHRASE_VOICEMAIL] = "Veuillez laisser un message après le bip, puis appuyez sur la touche dièse.",
		[PHRASE_MESSAGE_TAKEN] = "Merci, votre message a été enregistré. Au revoir.",
		[PHRASE_ONE_MOMENT] = "Un instant, s'il vous plaît.",
		[PHRASE_TROUBLE] =
		    "Nous avons un problème technique, veuillez nous excuser. Un instant, s'il vous plaît.",
		[PHRASE_STILL_THERE] = "Êtes-vous toujours là ?",
		[PHRASE_NOT_HEARD] =
		    "Je suis désolé, je n'ai rien entendu. Veuillez parler, ou appuyer sur une touche.",
		[PHRASE_UNCLEAR] = "Je suis désolé, je n'ai pas compris. Veuillez répéter." } },
	{ "de", "de-DE",
	    { [PHRASE_BUSY] = "Es tut uns leid, alle unsere Leitungen sind belegt. Bitte rufen Sie in einigen Minuten "
			      "wieder an. Auf Wiederhören.",
		[PHRASE_DRAINING] = "Es tut uns leid, wir müssen unseren Dienst kurz unterbrechen. Bitte rufen Sie in "
				    "einigen Minuten wieder an. Auf Wiederhören.",
		[PHRASE_DAY_COST] = "Es tut uns leid, wir können Ihren Anruf zurzeit nicht annehmen. Bitte rufen Sie "
				    "später wieder an. Auf Wiederhören.",
		[PHRASE_CALLER_BUSY] = "Es tut uns leid, die Leitung ist zurzeit belegt. Bitte rufen Sie in "
				       "einigen Minuten wieder an. Auf Wiederhören.",
		[PHRASE_CALLER_OFTEN] = "Es tut uns leid, Sie haben in kurzer Zeit sehr oft angerufen. Bitte "
					"rufen Sie später wieder an. Auf Wiederhören.",
		[PHRASE_BLOCKED] = "Es tut uns leid, wir nehmen von Ihrer Nummer keine Anrufe an. Auf "
				   "Wiederhören.",
		[PHRASE_NOT_ALLOWED] = "Es tut uns leid, dieser Anschluss ist nur für registrierte Anrufer. Auf "
				       "Wiederhören.",
		[PHRASE_APOLOGY] = "Es tut uns leid, wir haben ein technisches Problem. Bitte rufen Sie in einigen "
				   "Minuten wieder an. Auf Wiederhören.",
		[PHRASE_UNANSWERED] = "Es tut uns leid, zurzeit kann niemand Ihren Anruf annehmen. Bitte rufen Sie "
				      "später wieder an. Auf Wiederhören.",
		[PHRASE_OUTBOUND] = "Es tut uns leid, wir müssen dieses Gespräch hier beenden. Auf Wiederhören.",
		[PHRASE_OUTBOUND_END] = "Wir müssen dieses Gespräch hier beenden. Vielen Dank. Auf Wiederhören.",
		[PHRASE_TIME_LIMIT] = "Die Zeit für dieses Gespräch ist abgelaufen. Vielen Dank und auf Wiederhören.",
		[PHRASE_IDLE] = "Wir hören niemanden und beenden deshalb dieses Gespräch. Auf Wiederhören.",
		[PHRASE_COST_LIMIT] = "Es tut mir leid, dieses Gespräch muss hier enden. Vielen Dank und auf "
				      "Wiederhören.",
		[PHRASE_MACHINE] = "Schade, dass wir Sie nicht erreicht haben. Wir versuchen es später noch einmal. "
				   "Auf Wiederhören.",
		[PHRASE_UNAVAILABLE] = "Es tut uns leid, im Moment kann niemand Ihren Anruf annehmen.",
		[PHRASE_CALL_AGAIN] = "Bitte rufen Sie später noch einmal an. Vielen Dank und auf Wiederhören.",
		[PHRASE_CONNECTING] = "Bitte bleiben Sie am Apparat. Wir verbinden Sie.",
		[PHRASE_VOICEMAIL] =
		    "Bitte sprechen Sie nach dem Signalton eine Nachricht, und drücken Sie am Ende die Rautetaste.",
		[PHRASE_MESSAGE_TAKEN] = "Vielen Dank, Ihre Nachricht wurde aufgezeichnet. Auf Wiederhören.",
		[PHRASE_ONE_MOMENT] = "Einen Moment, bitte.",
		[PHRASE_TROUBLE] = "Es tut mir leid, wir haben ein technisches Problem. Einen Augenblick, bitte.",
		[PHRASE_STILL_THERE] = "Sind Sie noch da?",
		[PHRASE_NOT_HEARD] =
		    "Entschuldigung, ich habe nichts gehört. Bitte sprechen Sie, oder drücken Sie eine Taste.",
		[PHRASE_UNCLEAR] = "Entschuldigung, das habe ich nicht verstanden. Bitte sagen Sie es noch einmal." } },
	{ "it", "it-IT",
	    { [PHRASE_BUSY] = "Siamo spiacenti, tutte le nostre linee sono occupate. La preghiamo di richiamare tra "
			      "qualche minuto. Arrivederci.",
		[PHRASE_DRAINING] =
		    "Siamo spiacenti, dobbiamo interrompere il servizio per un momento. La preghiamo di "
		    "richiamare tra qualche minuto. Arrivederci.",
		[PHRASE_DAY_COST] = "Siamo spiacenti, al momento non possiamo rispondere alla sua chiamata. La "
				    "preghiamo di richiamare più tardi. Arrivederci.",
		[PHRASE_CALLER_BUSY] = "Siamo spiacenti, la linea al momento è occupata. La preghiamo di "
				       "richiamare tra qualche minuto. Arrivederci.",
		[PHRASE_CALLER_OFTEN] = "Siamo spiacenti, ha chiamato molte volte in poco tempo. La preghiamo di "
					"richiamare più tardi. Arrivederci.",
		[PHRASE_BLOCKED] = "Siamo spiacenti, non accettiamo chiamate dal suo numero. Arrivederci.",
		[PHRASE_NOT_ALLOWED] = "Siamo spiacenti, questa linea è riservata ai numeri registrati. "
				       "Arrivederci.",
		[PHRASE_APOLOGY] = "Siamo spiacenti, abbiamo un problema tecnico. La preghiamo di richiamare tra "
				   "qualche minuto. Arrivederci.",
		[PHRASE_UNANSWERED] = "Siamo spiacenti, al momento nessuno può rispondere alla sua chiamata. La "
				      "preghiamo di richiamare più tardi. Arrivederci.",
		[PHRASE_OUTBOUND] = "Siamo spiacenti, dobbiamo concludere qui questa chiamata. Arrivederci.",
		[PHRASE_OUTBOUND_END] = "Dobbiamo concludere qui questa chiamata. Grazie. Arrivederci.",
		[PHRASE_TIME_LIMIT] = "Il tempo per questa chiamata è terminato. Grazie e arrivederci.",
		[PHRASE_IDLE] = "Non sentiamo nessuno, quindi chiudiamo la chiamata. Arrivederci.",
		[PHRASE_COST_LIMIT] = "Mi dispiace, dobbiamo concludere qui questa chiamata. Grazie e arrivederci.",
		[PHRASE_MACHINE] =
		    "Ci dispiace di non aver potuto parlare con lei. Riproveremo più tardi. Arrivederci.",
		[PHRASE_UNAVAILABLE] = "Ci dispiace, in questo momento nessuno può rispondere.",
		[PHRASE_CALL_AGAIN] = "La preghiamo di richiamare più tardi. Grazie e arrivederci.",
		[PHRASE_CONNECTING] = "Resti in linea, per favore. La mettiamo in contatto con una persona.",
		[PHRASE_VOICEMAIL] =
		    "Lasci un messaggio dopo il segnale acustico e alla fine prema il tasto cancelletto.",
		[PHRASE_MESSAGE_TAKEN] = "Grazie, il suo messaggio è stato registrato. Arrivederci.",
		[PHRASE_ONE_MOMENT] = "Un momento, per favore.",
		[PHRASE_TROUBLE] = "Mi dispiace, abbiamo un problema tecnico. Un momento, per favore.",
		[PHRASE_STILL_THERE] = "È ancora in linea?",
		[PHRASE_NOT_HEARD] = "Mi scusi, non ho sentito nulla. La prego di parlare o di premere un tasto.",
		[PHRASE_UNCLEAR] = "Mi scusi, non ho capito. La prego di ripetere." } },
	{ "pt", "pt-BR",
	    { [PHRASE_BUSY] = "Desculpe, todas as nossas linhas estão ocupadas. Por favor, ligue novamente em alguns "
			      "minutos. Até logo.",
		[PHRASE_DRAINING] = "Desculpe, precisamos interromper o nosso serviço por um momento. Por favor, ligue "
				    "novamente em alguns minutos. Até logo.",
		[PHRASE_DAY_COST] =
		    "Desculpe, não podemos atender a sua ligação agora. Por favor, ligue novamente mais "
		    "tarde. Até logo.",
		[PHRASE_CALLER_BUSY] = "Desculpe, a linha está ocupada no momento. Por favor, ligue novamente "
				       "em alguns minutos. Até logo.",
		[PHRASE_CALLER_OFTEN] = "Desculpe, você ligou muitas vezes em pouco tempo. Por favor, ligue "
					"novamente mais tarde. Até logo.",
		[PHRASE_BLOCKED] = "Desculpe, não atendemos ligações do seu número. Até logo.",
		[PHRASE_NOT_ALLOWED] = "Desculpe, esta linha é apenas para números cadastrados. Até logo.",
		[PHRASE_APOLOGY] = "Desculpe, estamos com um problema técnico. Por favor, ligue novamente em alguns "
				   "minutos. Até logo.",
		[PHRASE_UNANSWERED] = "Desculpe, ninguém pode atender a sua ligação agora. Por favor, ligue novamente "
				      "mais tarde. Até logo.",
		[PHRASE_OUTBOUND] = "Desculpe, precisamos encerrar esta ligação aqui. Até logo.",
		[PHRASE_OUTBOUND_END] = "Precisamos encerrar esta ligação aqui. Obrigado. Até logo.",
		[PHRASE_TIME_LIMIT] = "O tempo desta ligação terminou. Agradecemos a sua atenção. Até logo.",
		[PHRASE_IDLE] = "Não estamos ouvindo ninguém, por isso vamos encerrar a ligação. Até logo.",
		[PHRASE_COST_LIMIT] = "Desculpe, precisamos encerrar a ligação aqui. Agradecemos a sua atenção. Até "
				      "logo.",
		[PHRASE_MACHINE] = "Lamentamos não ter conseguido falar com você. Tentaremos novamente mais tarde. Até "
				   "logo.",
		[PHRASE_UNAVAILABLE] = "Lamentamos, mas ninguém pode atender a sua ligação neste momento.",
		[PHRASE_CALL_AGAIN] = "Por favor, ligue novamente mais tarde. Obrigado e até logo.",
		[PHRASE_CONNECTING] = "Aguarde na linha, por favor. Vamos transferir a sua ligação.",
		[PHRASE_VOICEMAIL] = "Deixe a sua mensagem após o sinal e, no final, pressione a tecla sustenido.",
		[PHRASE_MESSAGE_TAKEN] = "Obrigado, a sua mensagem foi gravada. Até logo.",
		[PHRASE_ONE_MOMENT] = "Um momento, por favor.",
		[PHRASE_TROUBLE] = "Desculpe, estamos com um problema técnico. Um momento, por favor.",
		[PHRASE_STILL_THERE] = "Você ainda está aí?",
		[PHRASE_NOT_HEARD] = "Desculpe, não ouvi nada. Por favor, fale ou pressione uma tecla.",
		[PHRASE_UNCLEAR] = "Desculpe, não entendi. Por favor, repita." } },
	{ "nl", "nl-NL",
	    { [PHRASE_BUSY] = "Het spijt ons, al onze lijnen zijn bezet. Belt u alstublieft over een paar minuten "
			      "opnieuw. Tot ziens.",
		[PHRASE_DRAINING] =
		    "Het spijt ons, we moeten onze dienst even onderbreken. Belt u alstublieft over een "
		    "paar minuten opnieuw. Tot ziens.",
		[PHRASE_DAY_COST] = "Het spijt ons, we kunnen uw oproep nu niet beantwoorden. Belt u alstublieft later "
				    "opnieuw. Tot ziens.",
		[PHRASE_CALLER_BUSY] = "Het spijt ons, de lijn is op dit moment bezet. Belt u alstublieft over "
				       "een paar minuten opnieuw. Tot ziens.",
		[PHRASE_CALLER_OFTEN] = "Het spijt ons, u hebt in korte tijd erg vaak gebeld. Belt u alstublieft "
					"later opnieuw. Tot ziens.",
		[PHRASE_BLOCKED] = "Het spijt ons, we nemen geen oproepen van uw nummer aan. Tot ziens.",
		[PHRASE_NOT_ALLOWED] = "Het spijt ons, deze lijn is alleen voor geregistreerde bellers. Tot "
				       "ziens.",
		[PHRASE_APOLOGY] = "Het spijt ons, we hebben een technisch probleem. Belt u alstublieft over een paar "
				   "minuten opnieuw. Tot ziens.",
		[PHRASE_UNANSWERED] = "Het spijt ons, op dit moment kan niemand uw oproep beantwoorden. Belt u "
				      "alstublieft later opnieuw. Tot ziens.",
		[PHRASE_OUTBOUND] = "Het spijt ons, we moeten dit gesprek hier beëindigen. Tot ziens.",
		[PHRASE_OUTBOUND_END] = "We moeten dit gesprek hier beëindigen. Dank u wel. Tot ziens.",
		[PHRASE_TIME_LIMIT] = "De tijd voor dit gesprek is om. Dank u wel en tot ziens.",
		[PHRASE_IDLE] = "We horen niemand, daarom beëindigen we dit gesprek. Tot ziens.",
		[PHRASE_COST_LIMIT] = "Het spijt me, we moeten dit gesprek hier beëindigen. Dank u wel en tot ziens.",
		[PHRASE_MACHINE] = "Jammer dat we u niet konden bereiken. We proberen het later opnieuw. Tot ziens.",
		[PHRASE_UNAVAILABLE] = "Het spijt ons, op dit moment kan niemand u te woord staan.",
		[PHRASE_CALL_AGAIN] = "Belt u alstublieft later nog eens. Dank u wel en tot ziens.",
		[PHRASE_CONNECTING] = "Blijft u aan de lijn, alstublieft. We verbinden u door.",
		[PHRASE_VOICEMAIL] = "Spreek na de toon een bericht in en druk aan het eind op het hekje.",
		[PHRASE_MESSAGE_TAKEN] = "Dank u wel, uw bericht is opgenomen. Tot ziens.",
		[PHRASE_ONE_MOMENT] = "Een ogenblik, alstublieft.",
		[PHRASE_TROUBLE] = "Het spijt me, we hebben een technisch probleem. Een ogenblik, alstublieft.",
		[PHRASE_STILL_THERE] = "Bent u er nog?",
		[PHRASE_NOT_HEARD] = "Het spijt me, ik heb niets gehoord. Spreekt u alstublieft, of druk op een toets.",
		[PHRASE_UNCLEAR] = "Het spijt me, dat heb ik niet verstaan. Zegt u het alstublieft nog een keer." } },
	{ "pl", "pl-PL",
	    { [PHRASE_BUSY] = "Przepraszamy, wszystkie nasze linie są zajęte. Prosimy zadzwonić ponownie za kilka "
			      "minut. Do usłyszenia.",
		[PHRASE_DRAINING] = "Przepraszamy, musimy na chwilę przerwać pracę naszego serwisu. Prosimy zadzwonić "
				    "ponownie za kilka minut. Do usłyszenia.",
		[PHRASE_DAY_COST] =
		    "Przepraszamy, nie możemy teraz odebrać tego połączenia. Prosimy zadzwonić później. "
		    "Do usłyszenia.",
		[PHRASE_CALLER_BUSY] = "Przepraszamy, linia jest w tej chwili zajęta. Prosimy zadzwonić "
				       "ponownie za kilka minut. Do usłyszenia.",
		[PHRASE_CALLER_OFTEN] = "Przepraszamy, w krótkim czasie było z tego numeru bardzo dużo połączeń. "
					"Prosimy zadzwonić później. Do usłyszenia.",
		[PHRASE_BLOCKED] = "Przepraszamy, nie odbieramy połączeń z tego numeru. Do usłyszenia.",
		[PHRASE_NOT_ALLOWED] = "Przepraszamy, ta linia jest tylko dla zarejestrowanych numerów. Do "
				       "usłyszenia.",
		[PHRASE_APOLOGY] = "Przepraszamy, mamy problem techniczny. Prosimy zadzwonić ponownie za kilka minut. "
				   "Do usłyszenia.",
		[PHRASE_UNANSWERED] = "Przepraszamy, w tej chwili nikt nie może odebrać tego połączenia. Prosimy "
				      "zadzwonić później. Do usłyszenia.",
		[PHRASE_OUTBOUND] = "Przepraszamy, musimy zakończyć to połączenie. Do usłyszenia.",
		[PHRASE_OUTBOUND_END] = "Musimy zakończyć to połączenie. Dziękujemy. Do usłyszenia.",
		[PHRASE_TIME_LIMIT] = "Czas tej rozmowy dobiegł końca. Dziękujemy. Do usłyszenia.",
		[PHRASE_IDLE] = "Nikogo nie słyszymy, dlatego kończymy to połączenie. Do usłyszenia.",
		[PHRASE_COST_LIMIT] = "Przepraszam, musimy zakończyć tę rozmowę. Dziękuję. Do usłyszenia.",
		[PHRASE_MACHINE] = "Szkoda, że nie udało się nam porozmawiać. Spróbujemy ponownie później. Do "
				   "usłyszenia.",
		[PHRASE_UNAVAILABLE] = "Przepraszamy, w tej chwili nikt nie może odebrać połączenia.",
		[PHRASE_CALL_AGAIN] = "Prosimy zadzwonić później. Dziękujemy. Do usłyszenia.",
		[PHRASE_CONNECTING] = "Prosimy nie odkładać słuchawki. Łączymy z konsultantem.",
		[PHRASE_VOICEMAIL] = "Prosimy zostawić wiadomość po sygnale i na końcu nacisnąć klawisz z krzyżykiem.",
		[PHRASE_MESSAGE_TAKEN] = "Dziękujemy, wiadomość została nagrana. Do usłyszenia.",
		[PHRASE_ONE_MOMENT] = "Chwileczkę, proszę.",
		[PHRASE_TROUBLE] = "Przepraszamy, mamy problem techniczny. Chwileczkę, proszę.",
		[PHRASE_STILL_THERE] = "Czy są Państwo jeszcze przy telefonie?",
		[PHRASE_NOT_HEARD] = "Przepraszam, nic nie słyszę. Proszę mówić albo nacisnąć klawisz.",
		[PHRASE_UNCLEAR] = "Przepraszam, nie rozumiem. Proszę powtórzyć." } },
	{ .code = "ca", .tag = "ca-ES" },
	{ .code = "da", .tag = "da-DK" },
	{ .code = "fi", .tag = "fi-FI" },
	{ .code = "ja", .tag = "ja-JP" },
	{ .code = "ko", .tag = "ko-KR" },
	{ .code = "nb", .tag = "nb-NO" },
	{ .code = "no", .tag = "nb-NO" },
	{ .code = "ru", .tag = "ru-RU" },
	{ .code = "sv", .tag = "sv-SE" },
	{ .code = "zh", .tag = "zh-CN" },
};

/* ----------------------------------------------------------------------- the choice */

/* An agent without `languages` speaks the one it is told to write down, if any. */
static const char *first_language(const struct agent *p)
{
	const char *code = !p ? "" : p->language_count ? p->languages[0] : p->transcription_language;

	return code && *code ? code : languages[0].code;
}

static const struct language *language_named(const char *code)
{
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
		if (!strcmp(languages[i].code, code))
			return &languages[i];
	return NULL;
}

const char *agent_language_tag(const struct agent *p, const char *otherwise)
{
	const struct language *l = language_named(first_language(p));

	return l ? l->tag : otherwise;
}

/* Twilio refuses a voice together with a language that is not the voice's, and the caller
 * then hears nothing. So a voice goes alone unless the agent names the language too. */
static struct spoken in_voice(const struct agent *p, struct spoken s)
{
	s.voice = p ? p->say_voice : "";
	if (p && (*p->say_voice || *p->say_language))
		s.language = p->say_language;
	return s;
}

struct spoken spoken_words(const struct agent *p, const char *text)
{
	const struct language *l = language_named(first_language(p));

	return in_voice(p, (struct spoken){ .text = text, .language = l ? l->tag : "", .own = true });
}

struct spoken phrase_of(const struct agent *p, enum phrase phrase)
{
	const struct language *l = language_named(first_language(p));

	if (p && p->phrases[phrase])
		return spoken_words(p, p->phrases[phrase]);
	l = l && l->texts[phrase] ? l : &languages[0];
	return in_voice(p, (struct spoken){ .text = l->texts[phrase], .language = l->tag });
}

const char *phrase_on_stream(const struct agent *p, enum phrase phrase)
{
	static const bool on_stream[PHRASE_COUNT] = {
		[PHRASE_ONE_MOMENT] = true,
		[PHRASE_TROUBLE] = true,
		[PHRASE_STILL_THERE] = true,
		[PHRASE_IDLE] = true,
		[PHRASE_TIME_LIMIT] = true,
		[PHRASE_COST_LIMIT] = true,
	};
	const struct language *l = language_named(first_language(p));

	return on_stream[phrase] && (p->phrases[phrase] || (l && l->texts[phrase])) ? phrase_of(p, phrase).text : NULL;
}

/* -------------------------------------------------------------------- in agent files */

/* A phrase is spoken also where there is no call with values for variables. */
static const char *check_phrase(const char *text)
{
	if (!text[strspn(text, " \t\n")])
		return "must not be blank";
	return strstr(text, "{{") ? "must not hold {{: phrases have no variables" : NULL;
}

bool is_language_tag(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");

	return n >= 2 && n <= 3 && (!text[n] || (text[n] == '-' && text[n + 1] && !check_name(text + n + 1)));
}

static const char *check_tag(const char *text)
{
	return is_language_tag(text) ? NULL : "must be a language of Twilio's <Say>, as in es-ES";
}

static const struct setting rule = { .type = SETTING_TEXT, .most = PHRASE_MAX, .check = check_phrase };
const struct setting say_voice_rule = { .type = SETTING_TEXT, .most = 100, .check = check_name };
const struct setting say_language_rule = { .type = SETTING_TEXT, .most = 35, .check = check_tag };

static const struct key keys[] = {
#define X(name, key) { key, offsetof(struct agent, phrases) + PHRASE_##name * sizeof(const char *), .rule = &rule },
	PHRASES(X)
#undef X
	    { .name = NULL },
};

const char *phrase_key(enum phrase phrase)
{
	return keys[phrase].name;
}

void phrases_read(struct reader *r, const cJSON *value, void *agent)
{
	reader_object(r, value, keys, NULL, agent);
}

/* ------------------------------------------------------------------ instant answers */

static void read_when(struct reader *r, const cJSON *value, void *instant)
{
	struct agent_instant *p = instant;

	part_strings(r, value, WHEN_MAX, check_phrase, &p->when, &p->when_count);
}

static const struct key instant_keys[] = {
	{ "when", .read = read_when, .required = true },
	{ "say", offsetof(struct agent_instant, say), .rule = &rule, .required = true },
	{ .name = NULL },
};

void instants_read(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_instant blank = { .say = "" };
	struct agent *p = agent;

	p->instants = part_list(r, value, INSTANTS_MAX, instant_keys, sizeof blank, &blank, &p->instant_count);
}
