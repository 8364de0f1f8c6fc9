"""What can be promised, and in which words: a pattern for each, alike for answers and passages."""

import re

_MONEY = (
    r"(?:money|refund|payment|cash|cost|sum|amount|price|total|balance|credit|deposit|difference|"
    r"(?:£"
    r"|\$|€)[\d.,]+|[\d.,]+ (?:pounds|quid))"
)
_THE = r"(?:your|the|that|this|all|all your|all the|what you paid|everything you paid|it)"
_TIME = (
    r"(?:today|tomorrow|tonight|(?:this|next) (?:week|weekend|month|morning|afternoon|evening)"
    r"|(?:on |by |before |until )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|soon enough|in time"
    r"|on time|before noon|the (?:very )?(?:same|next) day|(?:by |before )?the end of the "
    r"(?:day|week|month)|straight ?away|right away|immediately|at once"
    r"|(?:before|for|by) (?:your|the|his|her|their) (?!end\b|checkout|payment|order)(?:\w+ )?"
    r"(?:party|birthday|wedding|christmas|holidays?|weekend|event|guests?|anniversary|dinner"
    r"|trip|big day))"
)
# Verbs of what was done for a customer, as they are told afterwards.
DONE = (
    r"(?:refunded|cancelled|canceled|changed|updated|added|applied|credited|issued|booked"
    r"|replaced|resent|arranged|extended|waived|upgraded|registered|approved|accepted|removed"
    r"|deleted|reserved|sent|redirected|stopped|processed|reimbursed|dispatched|shipped|posted"
    r"|reordered|reshipped|organised|organized|scheduled|paid|transferred|returned|exchanged"
    r"|swapped|activated|unlocked|reset|closed|corrected|amended|switched|granted|confirmed"
    r"|authori[sz]ed|initiated|triggered|set|put|fixed|sorted|made|given|deducted|reduced"
    r"|discounted|lifted|restored|reactivated|unsubscribed|escalated|collected|released|opened"
    r"|placed|merged|adjusted|renewed|prepared|packed|paused|moved|ended|enrolled|frozen|erased"
    r"|taken(?= (?:you|it|them|off|£|\d|your name)))"
)
# What "I have" may be followed by without telling of a deed for the customer.
DEED = (
    r"(?!need\b|passed|forwarded|handed|looked|checked|noted|received|reviewed|needed|wanted|tried"
    r"|missed"
    r"|enjoyed|changed our|mentioned|explained|described|listed|linked|attached|included|answered"
    r"|based|planned|offered|learned|introduced|marked|seen|read|heard|found|had|been|understood)"
    r"(?:[a-z]+ed|put|made|sent|set|given|begun|let|brought|written|spoken|told|taken|drawn|had"
    r"|done"
    r"|got (?:it|them|that|the \w+|your \w+|a|one)|pulled|cut|kept|held)"
)
# Before what something was or is being done to, or how: "sent the", not "limited stock".
TO_WHAT = (
    r"(?= (?:it|them|that|this|these|those|your|yours|the|an?|you|my|our|his|her|their|everyone"
    r"|everything|everybody|both|all|any|some|another|one|two|three|four|five|six|ten|twenty"
    r"|fifty|half|double|full|free|new|fresh"
    r"|order|refund|replacement|compensation|credit|money|payment|points|to|for|in|into|up|off|out"
    r"|back|down|through|on|over|away|now|today|tonight|tomorrow|right|straight|immediately)\b"
    r"| (?-i:[A-Z£$€\d])| (?:[\w'’-]+ ){1,3}for you\b)"
)
# Of what is being done for a customer, the verbs that need no such word behind them.
DOING = (
    r"(?:refund|cancell?|credit|waiv|upgrad|replac|resend|reshipp?|extend|reimburs|compensat"
    r"|redirect)(?=ing\b)"
)
# What somebody may be doing without doing anything for the customer.
RESTING = (
    r"(?:look|check|hop|pass|forward|hand|connect|ask|try|see|read|think|talk|speak|tell|say"
    r"|wonder|wait"
    r"|work|do|go|sorry|feel|hear|not|guess|refer|mean|com|us|hav|be|stand|sitt|writ|answer|review"
    r"|find"
    r"|runn|open|clos|learn|miss|enjoy|listen|suggest|investigat|follow|expect|assum|help|assist"
    r"|experienc|fac"
    r"|struggl|deal)(?=ing\b)"
)
# What is said of a thing for which something was done.
STATES = (
    r"gone through|gone out|on (?:its|the|their) way|in the (?:post|mail)|taken care of|sorted"
    r"|all (?:set|done|sorted)|under ?way|in hand|(?:back )?(?:in|on) your (?:account|card|balance)"
    r"|with your bank|out for delivery|good to go|in the bag|off the books|history|no more|gone"
    r"(?! (?:wrong|missing|up|down|by|after|within|once|when|in|by the|for good after))"
    r"|being (?:[a-z]+ed|sent|put|made)|settled(?! (?:with|by|over|on|when|between|in))|through"
    r"|(?:heading|coming|headed|going|winging its way|making its way|bound) (?:your way|to you"
    r"|for you|back to you)"
    r"|as good as [a-z]+|in the system(?: now)?|paused|on hold"
    r"|(?:[a-z]+ ){0,4}[a-z]+ now(?= *[.,!;])"
)
# Of what a company says that it will do, the verbs that bind it to nothing.
IDLE = frozenset(
    # to see, to think and to feel
    "see hear feel notice spot sense read find picture imagine know understand think believe guess "
    "suppose reckon gather realise realize recognise recognize remember recall learn assume count "
    "regard class deem appreciate relate rather prefer want wish like love hate hope regret "
    "sympathise sympathize empathise empathize enjoy welcome gladly have do "
    # to ask and to tell
    "ask inquire enquire say mention note explain describe outline clarify discuss talk speak chat "
    "write answer reply respond inform notify message email remind advise suggest recommend show "
    "guide walk point share confirm reassure apologise apologize liaise consult raise escalate "
    "flag report relay pass hand forward refer direct transfer connect contact log record jot "
    # to look into it, and to stay with it
    "look check search dig delve dive chase examine investigate review study verify compare hunt "
    "work try help assist listen wait stay use need sort".split()
)
# Verbs that bind or not by what follows.
LIGHT = {
    verb: re.compile(rf"\s+(?:{after})\b", re.I)
    for verb, after in {
        "let": "you know|me|us know|them know|a colleague|the (?:team|workshop)",
        "keep": "you|an eye|in touch|trying|at it|looking|working|this in mind|that in mind",
        "take": "a look|note|over|this up|it up|this on|it on|you through|a moment|a note|this "
        "over"
        "|it over|(?:it|this|things) from (?:t?here)|this further|a closer look|care of (?:you"
        "|your request)|your "
        "(?:details|number|name|call|case|word|question|request|point|feedback|time)",
        "make": "a note|a start|it clear",
        "give": "you (?:a ring|a call|a bell|an update|more|the|details|a hand|any)|it some|it"
        " a|this some",
        "get": r"back to|in touch|a colleague|someone|hold|on to|onto|to it|this (?:looked"
        r"|checked)"
        r"|it (?:looked|checked)|that (?:looked|checked)|more|the details|you to|started",
        "go": "through|over|and|ahead and (?:check|look|ask)",
        "come": "back to",
        "leave": "a note|you to|it to|this to|that to",
        "put": "you through|you in|a note|this to|that to",
        "bring": "this up|it up|that up|it to|this to",
        "continue": "to",
        "see": "what|if|whether|how|you|it|this|where|when",
        "tell": "you|us|me|them|the (?:team|colleague)|a colleague",
        "knock": r"\S+ off",
        "call": r"(?:it|this|that|them|yours|your \w+) (?!back\b|today\b|now\b|tomorrow\b)\w+",
        "treat": "[^.;]* as",
        "start": "by|with|looking|over|from|at",
        "be": r"(?!(?:re)?(?:send|refund|replac|cancel|credit|bring|pay|deliver|giv|issu|tak|cover"
        r"|mak|return)\w*ing\b)\w+",
        "send": "you an? (?:email|mail|message|link|text|confirmation|copy)|this on|it on|this "
        "over|that on|on your|your (?:message|question|case|request)",
        "add": "a note|this to|that",
    }.items()
}

# What something is kept in or as, rather than given: "keep the throw unused".
_AS_IS = (
    r" (?:[\w'’-]+ ){1,5}?(?:un[a-z]+|sealed|upright|together|in (?:its|the|their|your|one|an?)"
    r"|(?:[a-z]+ed|on|shut)(?= *(?:[.,;!?]|$)| (?:and|or|until|till|while|for|in)\b))\b"
)

# That nothing is kept back of a sum: a no that is good news.
NOT_TAKEN = (
    r"(?:£[\d.]+|fees?|charges?|label|costs?)(?: (?:will not|won['’]t|is not|isn['’]t|are not"
    r"|aren['’]t)|['’]s not)(?: be)? (?:taken off|deducted|withheld|charged|kept)"
    r"|(?:\b(?:without|no)|(?:not|n['’]t) (?:be|make)) (?:any |a )?deductions?\b"
)

_TOPICS = {
    "full refund": r"\bfull(?:y)? refund|refund\w*[^.]{0,20}\bin full\b|\bfully refunded\b"
    r"|\b(?:whole|full|entire) (?:purchase )?(?:amount|price|sum|cost|payment|value)\b"
    r"(?: is| will be| comes| goes)?(?: back| refunded| returned)?|\bevery (?:penny|pence"
    r"|pound)\b"
    r"|\b(?:everything|all|all that|the lot|what) you(?:['’]ve)? paid\b"
    r"|\b(?:get|have|receive|give)s? (?:you )?(?:everything|it all|all of it) back\b"
    r"|\bnothing (?:is|will be|gets|was) (?:taken off|deducted|withheld)"
    r"|(?:\bnot|n['’]t) (?:take|deduct|subtract|withhold|keep) (?:the |any |a )?(?:£[\d.]+|thing"
    r"|anything|penny|label|fee)"
    rf"|{NOT_TAKEN}|全额退款|全部退",
    "refund": rf"\brefund(?:s|ed|ing|able)?\b|\bmoney[- ]back\b|\breimburs\w+"
    rf"|\b{_MONEY} (?:\w+ ){{0,4}}?back\b(?! (?:order|in stock))"
    rf"|\b(?:pay|pays|paid|paying|give|gives|giving|get|gets|send|put|have|receive|return"
    rf"|transfer|credit)(?:ing|s|ed)?\b (?:you |us )?(?:back )?(?:{_THE} )?(?:full |whole "
    rf"|entire )?"
    rf"{_MONEY}(?: back|(?= today| tomorrow| rather| instead| straight| right away| by "
    rf"| to (?:you|your)))"
    rf"|\b(?:pay|give|get|receive|have|refund)s? (?:you )?the difference\b"
    rf"|(?<!\w)(?:{_MONEY}|fees?|charges?|postage) (?:will be|is|are|gets?|be|['’]ll be)"
    r" (?:returned|paid back|given back|credited|sent back)\b"
    rf"|\b(?:pay(?:s|ing)?|paid) (?:you |it |this |that )?back\b|\b(?:give|get|have"
    rf"|see)s? (?:you )?back (?:{_THE} ?)?{_MONEY}"
    rf"|\b(?:give|get|pay)s? (?:you )?back (?:everything|all|what)|\bevery penny\b"
    rf"|\b(?:{_THE} )?money (?:\w+ )?(?:goes|comes|will be|['’]ll be|is|should be|will come"
    rf"|will go) (?:\w+ )?(?:back|with you|in your|on (?:its|the) way|returned)"
    rf"|\b(?:have|get|see|receive) (?:your|the) (?:money|cash)\b"
    rf"|\b(?:{_THE} )?{_MONEY} (?:lands?|arrives?|shows? up|turns? up|drops? in)\b"
    rf"|\breturn(?:ed)? (?:your|the) (?:money|payment)|退款|退钱|退还",
    "replacement": r"\breplac(?:e|es|ed|ing|ement|ements)\b|\bre-?(?:send|sent|ship|shipped"
    r"|order|ordered)\b|\b(?:send|post|ship|get|have|receive|give|mail|order)(?:s|ing)?"
    r"(?= (?:(?:it|them|everything|one|(?:an?|the|your) (?:(?!(?:and|or|to)\b)[\w'’-]+ ){0,3}?"
    r"[\w'’-]+) )?(?:again|once more|a second time|anew)\b)"
    r"|\b(?:send|post|ship|get|have|receive|give|mail|offer|arrange)(?:s|ing)?(?: out)?"
    r"(?: (?:you|to you|over))? (?:an? |the |your )?(?:brand[- ])?(?:new|another|right|correct"
    r"|missing|fresh|second)\b(?! (?:link|password|email|code|message|quote|label|order"
    r"|number|card|page|try|go\b|look|chance|attempt|date|place|customers?|subscribers?|members?"
    r"|users?|account|address"
    r"|password))"
    r"|\b(?:send|get|give)s? (?:out )?what is missing|\b(?:brand[- ])?(?:new|fresh"
    r"|second) (?:one|mug|"
    r"bowl|plate|kettle|pan|parcel|item|mixer|lamp|set|unit) (?:\w+ )?(?:is|goes|will"
    r"(?! be e?mailed)|leaves|has"
    r"|was|"
    r"comes|['’]s)\b|\bswap(?:s|ped|ping)?\b|\bexchang(?:e|es|ed|ing)\b|\banother parcel\b"
    r"|\ban? (?:new|fresh) \w+(?: \w+)?(?= or\b)|(?<= or )an? (?:new|fresh) \w+"
    r"|补发|换新|换货|重新寄",
    "discount": r"\bdiscount(?:s|ed)?\b|(?:%|per ?cent|percent|pounds?|quid|half|quarter|fifth"
    r"|third"
    r"|£\d+(?:\.\d+)?) (?:off(?! what)|reduction|cheaper|price cut)\b|\breduction\b|\bvouchers?\b"
    r"|(?:%|per ?cent|pounds?|quid|£\d+(?:\.\d+)?) (?:\w+ ){0,3}?(?:taken|comes?|goes|knocked"
    r"|deducted|gets?) off(?! (?:(?:your|the|any|a) (?:refund|money)|what))"
    r"|\bgets? (?:you )?(?:the |a |your |still |same |that )*(?:£[\d.]+|\d+ ?%)(?![\d.]| ?(?:off"
    r"|back|discount))"
    r"|\bcoupons?\b|\b(?:promo|discount|welcome|student) code\b[^.]{0,25}\b(?:works?|valid"
    r"|applies"
    r"|apply|accepted)\b"
    r"|\b(?:match|meet|beat) (?:\w+['’]?s? )?(?:that |the |their |this |its |any |a )?(?:lower |"
    r"cheaper |competitor\S* )?(?:price|offer)s?|\bprice[- ]match|\bknock (?:\S+ )?off\b(?! "
    r"(?:what|(?:your|the) refund))"
    r"|\bpay (?:only |just )?half\b|\bhalf[- ]price\b"
    r"|\b(?:lower|special|better|reduced|sale) price\b|优惠券|折扣|打.折|减",
    "compensation": r"\b(?:my|our) treat\b|\bas an? (?:\w+ )?(?:gesture|kindness|courtesy|favour"
    r"|token"
    r"|treat)\b|\bcompensat\w+|\bgood-?will\b|\bmake (?:it"
    r"|this|that|things)? ?(?:up|right)"
    r" (?:for|to|with)\b(?! an? (?:new|replacement|refund))"
    r"|\b(?:for|because of) (?:the|your|all the|this|any) (?:trouble"
    r"|inconvenience|wait|delay|hassle|mix-up)\b(?= *(?:[.,!]|$))(?<!sorry for the wait)"
    r"|\b(?:to say|as an?|by way of) (?:sorry|apology|thank[- ]you|thanks)\b|\bliability\b"
    r"|\bgift (?:for you|from us)\b|\bthrow in\b|赔偿|补偿",
    "free": r"\bfree of charge\b|\bfor free\b"
    r"|(?<!feel )(?<!scot-)(?<!Feel )(?<!-)\bfree\b(?! to\b)(?!-)"
    r"|\b(?:no|without|any) (?:extra |additional |further |delivery |shipping |postage |return "
    r"|handling )*"
    r"(?:charge|cost|fee)s?\b(?! you)|\bnothing (?:is|gets|will be|was) (?:charged|taken)\b"
    r"|\bcharges? nothing\b"
    r"|\bnothing (?:extra )?to pay\b|\bpays? (?:nothing|no (?:delivery|postage|shipping|fees?"
    r"|charges?|costs?))\b|\bcosts? (?:you )?nothing\b|\bset(?:s|ting)? you back (?:a penny"
    r"|a thing|anything|nothing)\b"
    r"|\bon the house\b"
    r"|\bwithout (?:paying|payment)\b|\bfor nothing\b|\b(?:is|are|be|['’]s) on us\b"
    r"|\bcomplimentary\b|\bgratis\b|\b(?:covered|paid|met|borne|absorbed)(?: for)? by us\b"
    r"|(?<!we do)(?<!we wo)(?<!we ca)(?<!we do )(?<!we will )(?:\bnot|n['’]t) (?:have to "
    r"|need to |be asked to )?(?:pay|cost|be charged"
    r"|charge)(?: you)?"
    r"(?: a (?:penny|thing)| anything(?! without)| any \w+| extra| (?:the|any"
    r"|an?) [\w ]{0,20}fee| for (?!anything)(?:it|that|this|the \w+|\w+ing\b))"
    r"|(?<!to )(?<!you )\b(?:cover|covers|pick up|picks up|bear|bears|absorb|pay|pays"
    r"|take care of|takes care of)"
    r" (?:for )?(?:the |your |all |any )?(?:return |delivery |repair |shipping |collection )?"
    r"(?:postage|costs?|shipping|fees?|bill|charges?|label|delivery|tab|expense)\b"
    r"|\b(?:we|I)(?:['’]ll| will)? (?:pay|cover|bear|absorb) (?:for )?(?:the|your|any"
    r"|all) (?!warranty|faults?|difference|second)\w+"
    r"|\b(?:fee|charge|cost)s?(?: \w+){0,3} (?:will be|is|are|has been|gets) (?:dropped|waived"
    r"|cancelled|removed|lifted)\b"
    r"|\bwe (?:wo|do)n['’]t charge(?: you)?(?: anything| a penny| extra|(?: at all)? for(?! any))\b"
    r"|\bwe (?:wo|do)n['’]t (?:ask|expect) you to pay\b"
    r"|\bwe (?:will|do) not charge(?: you)?(?: anything| a penny| extra| for(?! any))\b"
    r"|\bwaive[sd]?\b|\bwaiv\w+|免费|免运费|不收费",
    "guarantee": r"\b(?:I|we) (?:can )?guarantee\b|(?<!year )(?<!month )\bguarantee(?:d|s)? "
    r"(?:that|you|it|to"
    r"|delivery|"
    r"arrival)|\bguaranteed(?= *(?:[.!,]|$))|\b(?:I|we) (?:can )?(?:promise|assure|swear|vow)\b"
    r"|\bpromise[sd]? (?:you|that|it)\b|\b(?:I|we)(?:['’]ll| will| can|['’]m going to)?"
    r"(?: personally)? (?:make sure|ensure|see to it|take care of (?:it|that))\b|\bmy (?:word"
    r"|promise|guarantee)\b|\bdefinitely\b|\bfor"
    r" (?:sure|certain)\b|\brest assured\b|\bwithout fail\b|\bfor life\b|\bno matter what\b"
    r"|\bmy hand on (?:it|that)\b|\b(?:mark|take) my words?\b|\btake it from me\b"
    r"|\b(?:out of pocket|made? whole|make amends|made? good|(?:see|put|set) (?:you|things) right"
    r"|squar(?:e|ed) (?:\w+ )?up|(?:n['’]t|not) (?:be )?(?:your loss|lose out|bear that"
    r"|suffer for))\b"
    r"|\b(?:count|rely|bet) on it\b|\b100 ?% (?:sure|certain)|\byou can be (?:sure|certain)\b"
    r"|\bwithout (?:a|any) doubt\b|(?:\b(?:are|is|will be)|['’](?:re|s|ll be)) (?:\w+ly )?"
    r"(?:certain|sure|bound|guaranteed) (?:to|of)\b|保证|承诺",
    "delivery": rf"\b(?:arriv\w+|be with you|deliver(?:s|ed|ing)?|delivery (?:is|will be|by|on"
    rf"|for)|reach(?:es)? you|leaves?|be there|get there"
    rf"|gets there|turns? up|lands?|on your (?:doorstep|table|desk|doormat)|at your door"
    rf"|in your hands|goes out|go out"
    rf"|sent|sends?|ships?"
    rf"|you(?:['’]ll| will| should| can)? (?:be getting|have|get|receive|expect) (?:it|them|your "
    rf"\w+|the \w+)|dispatched|comes?(?! (?:by|in|along|round|over|to)\b)|make it"
    rf"|makes it)\b[^.!?,;]{{0,30}}\b{_TIME}\b"
    rf"|\b(?:it|they|that|one|(?:your|the) (?:\w+ )?\w+)(?:['’]ll| will| should| (?:is"
    rf"|are) going to)"
    rf" be (?:in|on|at|with|by|inside|outside|waiting) (?:[\w'’-]+ ){{0,5}}?{_TIME}\b"
    r"|\b(?:tomorrow|today|tonight)\b[^.!?,]{0,12}\b(?:it|your \w+) (?:will|arrives|is)\b",
    "keep": r"\b(?:may|can|should|to|just|please|simply|also) (?:keep|hang on to|hold on to)\b"
    rf"(?! (?:[\w ]{{0,20}} )?(?:out|away|from|off|dry|clean|ready|closed|safe"
    rf"|handy)\b)(?!{_AS_IS})"
    r"(?! (?:in|your eye|an eye|track|us|me|for|until|the (?:receipt|packaging|box|invoice)))"
    r"|\b(?:need not|no need to|(?:not|n['’]t) (?:need|have|want you|require you) to|without "
    r"(?:having to )?)(?: come| go| be)? ?(?:send|sent|return|returned|post|ship|sending"
    r"|returning"
    r"|posting|bring|back|give)(?: (?:it|them|back|this|that|(?:the|your|a) \w+|anything"
    r"|items?))?"
    r"|(?<!choice )(?<!decision )(?<!discount )(?<!code )"
    r"(?<!voucher )(?<!off )\b(?:is|are|['’]s) (?:yours"
    r"|all yours)\b(?! to (?!keep))|\byours to keep\b"
    r"|不用寄回|不需要寄回",
    "amends": r"\b(?:make|put|set) (?:it|this|that|them|things) (?:good|right)\b",
    "reserve": r"\byour name on (?:it|one|them)\b|\bwith your name\b|\bdibs\b|\bearmark\w*"
    r"|\breserv(?:e|ed|ing)\b"
    r"|\b(?:put|set|keep|kept|hold|held|tuck|tucked|stash|squirrel|save|saved|lay|laid) "
    r"(?:\w+ ){0,3}?(?:aside"
    r"|by for|back for you|away for you|for you(?= (?:until|till|when|once|behind)))\b"
    r"|\bfirst in (?:line|the queue)\b|\bfirst refusal\b|保留|预留",
    "change": r"\b(?:can|may|could|able to|possible to|still|trouble to) (?:still |now |be "
    r"|also )*(?:cancel|chang|amend"
    r"|alter|redirect|edit|stopp?)(?:e|s|ed|led)?\b(?! your mind)",
    "sweeping": r"\b(?:at )?any ?time(?! (?:of|in|within|until|before|between|from|on))\b"
    r"|\bwhenever you (?:like|want|wish|please)\b|\bno (?:deadline|time limit|limit"
    r"|conditions?)\b"
    r"|\bas (?:long|often|many times) as you (?:like|want|wish|please|need|fancy)\b|\bforever\b"
    r"|\bfor (?:any|whatever) reason\b"
    r"|\b(?:takes?|accepts?|covers?|serves?) (?:every|any)(?:one|body)\b"
    r"|\bunlimited\b"
    r"|\bno questions asked\b"
    r"|\bno matter (?:what|how|when|why)\b|\bin any case\b"
    r"|\bunconditional\w*"
    r"|\bnever (?:expires?|runs? out|ends?|costs?|lapses?|charges?)\b|\b(?:any|every"
    r"|all) (?:product|item"
    r"|order|article)s?\b"
    r"|\bwith immediate effect\b|\binstantly\b",
    "warranty": r"\b(?:is|are|be|falls?|comes?|counts?) (?:also |still |fully |all |both |not "
    r"|then )?"
    r"(?:covered|guaranteed|under (?:the |our |your |a )?(?:warranty|guarantee)|insured)\b"
    r"|\bwarranty"
    r" (?:also |still |does )?(?:covers?|includes?|takes? care|pays?|applies)\b|\bcovers?\b"
    r"|\b(?:has|have|with|carr\w+|a|an|of|year|years|month) (?:\S+ ){0,2}?(?:warranty"
    r"|guarantee)\b"
    r"(?! (?:claim|case|period|repair|terms))"
    r"|保修",
}  # fmt: skip
OF_MONEY = frozenset(
    {"refund", "full refund", "discount", "compensation", "done", "action", "guarantee"}
)
TOPICS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TOPICS.items()
}
