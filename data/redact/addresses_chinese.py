"""Chinese addresses: places from the large to the small, a road and a number, or a compound."""

import re
from collections.abc import Iterator

_ANY = re.compile(r"[\u4e00-\u9fff]")
_HAN = r"[\u4e00-\u9fff]"
_N = r"[0-9A-Za-z一二三四五六七八九十甲乙丙丁-]"
_PLACES = (
    rf"(?:{_HAN}{{2,8}}?(?:省|自治区|市|區|区|县|縣|镇|鎮|乡|鄉|旗|新区|开发区|园区|工业园区|村))"
)
_END = r"(?:号楼|號樓|号院|栋|棟|幢|单元|單元|座|室|樓|楼|层|層|号|號|户|门|弄|巷|组|仓)"
_HOME = (
    r"(?:小区|社区|花园|公寓|大厦|大廈|家园|苑|庄园|广场|新村|新城|里|坊|园|庭|府|湾|城|"
    r"四区|一区|二区|三区|五区)"
)
_CHINESE = re.compile(
    rf"(?:{_PLACES}{{0,5}}{_HAN}{{1,8}}?(?:大街|大道|胡同|公路|路|街|道|巷|弄|里|段|村|新村)"
    rf"(?:[一二三四五六七八九十\d]+段)?{_N}+(?:號|号院?|弄|巷)"
    rf"|{_PLACES}{{2,5}}{_HAN}{{2,10}}?(?:小区|花园|公寓|大厦|家园|苑|城|庄园|广场))"
    rf"(?:{_N}+{_END}|{_HAN}{{1,8}}?{_N}+{_END}|[A-Z](?:座|室|仓))*(?:之\d|\d{{2,4}}(?!\d|{_HAN}?号))?"
    rf"|{_PLACES}{{3,6}}(?:[一二三四五六七八九十\d]+[组組社队](?:\d+号)?)"
    rf"|{_PLACES}{{1,5}}{_HAN}{{2,8}}(?:花园|小区|公寓|苑|新村[一二三四五六七八九十]区)\d[\d-]*(?:[幢栋]\S{{1,4}}?室)?"
    # a compound without its road: its buildings, stairs and flats say that it is one
    rf"|{_PLACES}{{0,4}}{_HAN}{{2,10}}?{_HOME}(?:[一二三四五六七八九十]区)?"
    rf"(?:\d{{1,3}}(?:-\d{{1,4}}){{1,3}}|{_N}{{1,4}}(?:号楼|號樓|栋|棟|幢|座)(?:{_N}{{1,4}}(?:单元|門|门|梯))?(?:\d{{3,4}}|{_N}{{1,4}}(?:室|樓|楼|层|号))?室?)"
)
_LEAD = re.compile(
    r"^(?:.*(?:寄到|送到|送去|寄去|寄回|改寄|改成|改为|换成|搬到|住在|现在叫|住|在|地址是|地址|新址|改|到|是|为|至|去|我家|我们家|家里|叫|给|寄))(?=.{6})"
)


def chinese_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of addresses, without the words that lead to them."""
    for match in _CHINESE.finditer(text) if not text.isascii() and _ANY.search(text) else ():
        lead = _LEAD.match(match.group())
        yield match.start() + (lead.end() if lead else 0), match.end()
